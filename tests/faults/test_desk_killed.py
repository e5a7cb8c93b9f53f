"""The desk is killed at random moments under load; nothing that it confirmed may be lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import settings as settings_file
from engine.errors import StoreError
from engine.knowledge import catalogue
from engine.paths import DataFolder
from engine.reception import receive
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.settings import Settings
from engine.store.store import Store, open_store

ROOT = Path(__file__).parents[2]
DRIVER = Path(__file__).with_name("desk_under_load.py")
SEED = int(os.environ.get("ZUOXI_SEED", random.SystemRandom().randrange(10**6)))


class Life:
    """What the desk has confirmed in all its lives, and what its data folder must still say."""

    def __init__(self) -> None:
        self.received: set[str] = set()
        self.decided: dict[str, dict[str, Any]] = {}
        self.undone: set[str] = set()
        self.sent: Counter[str] = Counter()
        self.delivered: set[str] = set()
        self.drafted: set[str] = set()
        self.typed: dict[str, list[str]] = {}
        self.notes: dict[str, list[str]] = {}
        self.said: Counter[str] = Counter()

    def hear(self, journal: Path, pending: set[str]) -> None:
        """Take in what one life said; `pending` is what could be undone when it began."""
        lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
        for line in lines:
            entry = json.loads(line)
            what = entry.pop("what")
            self.said[f"trouble {entry['code']}" if what == "trouble" else what] += 1
            match what:
                case "restored":
                    assert set(entry["pending"]) == pending
                    self.said["undo windows restored"] += len(pending)
                case "shown":
                    self.received.update(entry["ids"])
                case "decided":
                    self.decided[entry["id"]] = entry
                case "undone":
                    self._maybe(entry["conversation"], entry["text"])
                    if entry["worked"]:
                        self.undone.add(entry["id"])
                case "sent":
                    self.sent[entry["id"]] += 1
                case "delivered":
                    self.delivered.add(entry["id"])
                case "drafted":
                    self.drafted.add(entry["id"])
                case "typed":
                    self._maybe(entry["conversation"], entry["text"])
                case "sending":
                    self._maybe(entry["conversation"], "")
                case "asked":
                    # All that was typed here before is saved before the store is asked.
                    self.typed[entry["conversation"]].append("asked:" + entry["text"])
                case "kept":
                    possible = self.typed[entry["conversation"]]
                    at = possible.index("asked:" + entry["asked"])
                    self.typed[entry["conversation"]] = [entry["text"], *possible[at + 1 :]]
                case "noted":
                    self.notes.setdefault(entry["case"], [""]).append(entry["text"])
                case "note_kept":
                    possible = self.notes[entry["case"]]
                    if entry["text"] in possible:
                        self.notes[entry["case"]] = possible[possible.index(entry["text"]) :]

    def check(self, store: Store, folder: DataFolder) -> None:
        """The data folder holds all that was confirmed, and nothing twice."""
        assert store.check() == []
        for message in self.received:
            store.conversations.message(message)
        for key, confirmed in self.decided.items():
            decision = store.decisions.get(key)
            assert (decision.action, decision.text) == (confirmed["action"], confirmed["text"])
            assert decision.outgoing == confirmed["outgoing"]
            if key in self.undone:
                assert decision.undone
        for message, times in self.sent.items():
            assert times == 1, "told twice that it was sent"
            assert store.conversations.message(message).state == "sent"
        for draft in self.drafted:
            store.drafts.get(draft)
        for conversation, possible in self.typed.items():
            kept = store.composers.get(conversation)
            assert kept in possible, (kept, possible)
            self.typed[conversation] = [kept]
        for case, possible in self.notes.items():
            kept = store.handovers.get(case).note
            assert kept in possible, (kept, possible)
            self.notes[case] = [kept]
        taken = taken_by_channel(folder)
        assert len(taken) == len(set(taken)), "a customer got a reply twice"
        for message in taken:
            assert store.conversations.message(message).state == "sent"
        from_replay = {one for one in self.delivered if came_from_replay(store, one)}
        assert from_replay <= set(taken)

    def _maybe(self, conversation: str, text: str) -> None:
        self.typed.setdefault(conversation, [""]).append(text)


def taken_by_channel(folder: DataFolder) -> list[str]:
    """The keys of what the channel has, as its file says; a line cut short does not count."""
    if not folder.replay.exists():
        return []
    return [json.loads(line)["key"] for line in folder.replay.read_bytes().split(b"\n")[:-1]]


def came_from_replay(store: Store, message: str) -> bool:
    conversation = store.conversations.message(message).conversation
    return store.channel_keys.external("replay", conversation) is not None


@pytest.fixture
def plan(tmp_path: Path, fault_rules: Path) -> dict[str, Any]:
    """A data folder with a short undo window, rules, an embedder without a model, documents."""
    from engine.knowledge.embedding import HashedEmbedder

    folder = DataFolder(tmp_path / "data")
    settings_file.save(folder, Settings(undo_seconds=0.5))
    for name in ("embedder", "documents"):
        (tmp_path / name).mkdir()
    for number in range(20):
        words = f"# 上门{number}\n\n保修期内电水壶坏了可以免费上门检修，{number}天内联系您。\n"
        (tmp_path / "documents" / f"{number}.md").write_text(words, "utf-8")
    HashedEmbedder().save(tmp_path / "embedder")
    return {
        "folder": str(folder.root),
        "rules": str(fault_rules),
        "embedder": str(tmp_path / "embedder"),
        "documents": str(tmp_path / "documents"),
        "seed": SEED,
        "drain": False,
        "import": False,
        "engine": "twin",
    }


@pytest.fixture
def begin() -> Iterator[Callable[[dict[str, Any]], subprocess.Popen[bytes]]]:
    """Starts desks; whatever they leave behind is ended with the test."""
    groups: list[int] = []

    def start(plan: dict[str, Any]) -> subprocess.Popen[bytes]:
        desk = subprocess.Popen(
            [sys.executable, str(DRIVER), json.dumps(plan)],
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        groups.append(desk.pid)
        return desk

    yield start
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue


def write_until(moment: float, store: Store, gate: Gate, dice: random.Random, life: Life) -> None:
    """Be the other process whose customers write, until `moment`."""
    while (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, dice.random() * 0.15))
        text = f"律师函{dice.random()}" if dice.random() < 0.1 else f"发票{dice.random()}"
        try:
            received = receive(store, gate, f"来信{dice.randrange(40)}", text)
        except StoreError as error:
            assert error.code == "store_busy"
            continue
        life.received.add(received.message.id)


def wait_until_up(desk: subprocess.Popen[bytes], journal: Path) -> None:
    """Until the desk's window stands; how long that takes is the machine's affair."""
    while desk.poll() is None and not (journal.exists() and b'"up"' in journal.read_bytes()):
        time.sleep(0.02)


@pytest.mark.timeout(3600)
def test_nothing_confirmed_is_lost_and_nothing_is_sent_twice(
    plan: dict[str, Any],
    begin: Callable[[dict[str, Any]], subprocess.Popen[bytes]],
    rounds: Callable[[int], int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = DataFolder(Path(plan["folder"]))
    gate = Gate(load_rules(Path(plan["rules"])))
    dice = random.Random(SEED)
    life = Life()
    whole = rounds(100)
    for number in range(1, whole + 1):
        journal = tmp_path / f"journal{number}.jsonl"
        engine = "process" if number % 5 == 0 else "none" if number % 7 == 0 else "twin"
        this = plan | {
            "round": number,
            "journal": str(journal),
            "engine": engine,
            "import": number % 4 == 0,
        }
        with open_store(folder.database) as store:
            pending = {one.decision or "" for one in store.outbox.pending()}
            desk = begin(this)
            if dice.random() < 0.7:
                # Else it may be killed while it is still opening.
                wait_until_up(desk, journal)
            long = 4.0 if engine == "process" or this["import"] else 1.8
            write_until(time.monotonic() + dice.random() * long, store, gate, dice, life)
            assert desk.poll() is None, "the desk ended by itself"
            desk.kill()
            desk.wait()
        life.hear(journal, pending)
        with open_store(folder.database) as store:
            life.check(store, folder)
        # The knowledge in use is the former version or the new one, never something between.
        catalogue.current(folder.knowledge)

    journal = tmp_path / "last.jsonl"
    with open_store(folder.database) as store:
        pending = {one.decision or "" for one in store.outbox.pending()}
    last = begin(plan | {"round": whole, "journal": str(journal), "drain": True})
    assert last.wait(timeout=60) == 0
    life.hear(journal, pending)
    with open_store(folder.database) as store:
        life.check(store, folder)
        assert store.outbox.pending() == []
        assert store.outbox.delivering() == []
        taken = set(taken_by_channel(folder))
        for decision in store.decisions.all():
            message = decision.outgoing
            if message is None or not came_from_replay(store, message):
                continue
            assert (message in taken) != decision.undone
    assert life.decided
    assert life.delivered
    with capsys.disabled():
        said = ", ".join(f"{what} {count}" for what, count in sorted(life.said.items()))
        print(f"\n{whole} kills, seed {SEED}: {len(life.received)} messages kept; {said}")
