"""Hostile text goes through everything real below the window: reception to drafting.

Each step must end, keep what came, and show it as text. Nothing here is timed: where work could
grow faster than the text, what is counted is work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import FLIPPED, HOSTILE, MARKUP, UNFIT

from engine import deciding
from engine.channels.replay import read_script
from engine.drafting.generation import Generator
from engine.drafting.llama import load_generator
from engine.drafting.pipeline import Drafter
from engine.drafting.scripted import ScriptedGenerator
from engine.drafting.style import load_style
from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.index import import_documents
from engine.knowledge.search import Searcher
from engine.paths import RULES, STYLES
from engine.protocol import DraftFinished, DraftRequest, decode_event, encode
from engine.reception import receive
from engine.records import Draft, Turn
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.store.store import Store, open_store
from engine.texts import explain


@pytest.fixture(scope="session")
def gate() -> Gate:
    return Gate(load_rules(RULES))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store" / "zuoxi.db") as opened:
        yield opened


@pytest.fixture(scope="session")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """Knowledge whose own documents are hostile, too."""
    folder = tmp_path_factory.mktemp("hostile")
    documents = folder / "documents"
    documents.mkdir()
    plain = "---\ntitle: 保修\n---\n## 上门检修\n保修期内电水壶坏了可以免费上门检修。\n"
    (documents / "保修.md").write_text(plain, "utf-8")
    for number, (name, words) in enumerate(HOSTILE.items()):
        body = words.encode("utf-8", "replace").decode()
        (documents / f"{number}.md").write_text(f"# {name}\n\n壶坏了 {body[:5_000]}\n", "utf-8")
    (documents / "<b>粗&amp;.md").write_text(f"# {MARKUP}\n\n退款 {FLIPPED} {MARKUP}\n", "utf-8")
    embedder = HashedEmbedder(64)
    import_documents(folder / "knowledge", [documents], embedder)
    return Searcher.open(folder / "knowledge", embedder)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generator]:
    from engine.learning.starter.tiny import let_quote, write_tiny_gguf

    path = write_tiny_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", context=4096)
    let_quote(path)
    made = load_generator(path, context=2048, threads=1)
    yield made
    made.close()


def drafter(searcher: Searcher, generator: Generator, gate: Gate, **more: Any) -> Drafter:
    style = load_style(STYLES / "warm_shop.yaml")
    return Drafter(searcher, generator, gate, style, **more)


def drafted(made: Drafter, *turns: Turn) -> Draft:
    """The draft, after it crossed the pipe."""
    events = [
        decode_event(encode(event))
        for event in made.draft(DraftRequest("r", turns))
        if type(event).__name__ != "Worked"
    ]
    assert isinstance(events[-1], DraftFinished)
    return events[-1].draft


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_received_kept_screened_searched_and_answered(
    name: str, store: Store, gate: Gate, searcher: Searcher, tiny: Generator
) -> None:
    words = HOSTILE[name]
    received = receive(store, gate, words[:300], words, label=words[:50], subject=words[:200])
    message = received.message
    kept = words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert message.text == kept
    row = store.conversations.get(message.conversation)
    assert not UNFIT & set(row.preview) - set("\u202a\u202b\u202c\u202d\u202e\u2066\u2069")
    assert [one.text for one in store.conversations.messages(row.id)] == [kept]
    if name == "a thousand red lines":
        assert received.handover is not None
        hits = store.hits.of(row.id)
        assert max(Counter(hit.hit.rule for hit in hits).values()) <= 200
        assert sum(len(hit.screened) for hit in hits) < 2_000 * len(hits)
    for mode in ("verbatim", "free"):
        draft = drafted(
            drafter(searcher, tiny, gate, mode=mode), *store.conversations.turns(row.id)
        )
        # Random weights may find nothing to say; a person is told so in words.
        assert draft.text or draft.script or draft.reason
        draft.text.encode("utf-8")
    typed = words.strip() or "好"
    try:
        deciding.decide(store, gate, row.id, "edit", text=typed, typed=True)
    except deciding.SendRefused as refused:
        assert explain(refused, "zh")
    assert store.conversations.get(row.id).messages in (1, 2)


def test_a_megabyte_is_kept_whole_and_answered_from_its_own_words(
    store: Store, gate: Gate, searcher: Searcher, tiny: Generator
) -> None:
    words = "壶坏了怎么办？" + "我买的热水壶坏了，" * 111_111
    received = receive(store, gate, "客户", words)
    assert store.conversations.message(received.message.id).text == words
    assert len(store.conversations.get(received.message.conversation).preview) <= 200
    draft = drafted(drafter(searcher, tiny, gate), Turn("customer", words))
    assert draft.status in ("drafted", "abstained")


def test_a_megabyte_of_numbers_is_stored_once(store: Store, gate: Gate, tmp_path: Path) -> None:
    talk = receive(store, gate, "客户", "在吗").message.conversation
    numbers = "13800000000 " * 10_000
    deciding.decide(store, gate, talk, "edit", text=numbers, typed=True)
    hits = store.hits.of(talk)
    assert 0 < len(hits) <= 200 * len({hit.hit.rule for hit in hits})
    assert sum(file.stat().st_size for file in (tmp_path / "store").iterdir()) < 20 << 20
    said = store.conversations.messages(talk)[-1].text
    assert "13800000000" not in said


class Counting:
    """A generator that counts what it is asked to count."""

    def __init__(self) -> None:
        self.inner = ScriptedGenerator(["好的，给您登记了。"])
        self.counted = 0

    def count(self, text: str) -> int:
        self.counted += len(text)
        return self.inner.count(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_ten_thousand_turns_are_no_more_work_for_the_model_than_five_thousand(
    searcher: Searcher, gate: Gate
) -> None:
    def counted(turns: int) -> int:
        generator = Counting()
        talk = [Turn("agent" if at % 2 else "customer", f"第{at}句，壶坏了") for at in range(turns)]
        made = drafter(searcher, generator, gate, mode="free")  # type: ignore[arg-type]
        draft = drafted(made, *talk, Turn("customer", "那壶坏了怎么修？"))
        assert draft.text or draft.reason
        return generator.counted

    assert counted(10_000) < 1.2 * counted(5_000)


def test_a_malformed_line_of_a_replay_is_named(tmp_path: Path) -> None:
    good = '{"id": "%d", "customer": "客", "opening": [{"text": "在吗"}]}'
    bad = {
        "not JSON": "{'id': 1}",
        "cut": good[:20],
        "a list": "[1, 2]",
        "deep": "[" * 50_000,
        "no text": '{"id": "x", "customer": "y", "opening": []}',
        "too large": '{"id": "x", "customer": "y", "opening": [{"text": "a", "after": 1e99}]}',
        "not UTF-8": b'{"id": "\xff\xfe"}',
        "nul": "\0\0\0",
    }
    for name, line in bad.items():
        raw = line if isinstance(line, bytes) else line.encode()
        path = tmp_path / "replay.jsonl"
        path.write_bytes(b"\n".join([(good % 1).encode(), b"", raw, (good % 2).encode()]))
        script = read_script(path)
        assert [scene.id for scene in script.scenes] == ["1", "2"], name
        (skipped,) = script.skipped
        assert skipped.values["line"] == 3, name
        assert script.trouble is not None
        for error in (skipped, script.trouble):
            told = explain(error, "zh")
            assert "3" in told
            assert "\n" not in told
            assert not UNFIT & set(told)
