"""The rules are changed, and the program is killed, the disk is full or a version breaks."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from written_rules import GIFT

from engine import paths
from engine.errors import StoreError
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.store.database import open_database
from engine.store.store import open_store
from engine.workshop.running import running
from engine.workshop.workshop import Workshop

ROOT = Path(__file__).parents[2]
CHANGING = f"""
import sys
import time
from pathlib import Path
from engine.store.store import open_store
from engine.workshop.workshop import Workshop

with open_store(Path(sys.argv[1])) as store:
    workshop = Workshop(store, Path(sys.argv[2]))
    count = len(workshop.versions())
    while True:
        count += 1
        trial = workshop.standing().trial
        if trial is None:
            text = {GIFT!r}.replace("送您一份礼", f"送您一份礼{{time.time_ns()}}")
            known = {{one.id for one in workshop.rules()}}
            workshop.put(text, "王班长", id="own.gift" if "own.gift" in known else "")
            trial = workshop.start_trial("王班长", "又一条")
        if trial.state == "trial":
            workshop.ask(trial.number, "王班长")
        made = workshop.approve(trial.number, "李班长")
        print(made.number, made.rule_set, flush=True)
        if count % 3 == 0:
            workshop.roll_back(0, "李班长", "误拦")
            print(0, workshop.standing().rules, flush=True)
"""


def test_a_kill_leaves_one_whole_version_in_force_and_its_record(
    tmp_path: Path, fault_rules: Path, rounds: Callable[[int], int]
) -> None:
    path = tmp_path / "zuoxi.db"
    open_store(path).close()
    chance = random.Random(5)
    published = 0
    for _ in range(rounds(40)):
        lead = subprocess.Popen(
            [sys.executable, "-c", CHANGING, str(path), str(fault_rules)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert lead.stdout is not None
        first = lead.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.2))
        lead.send_signal(signal.SIGKILL)
        rest, _ = lead.communicate()
        told = [line.split() for line in (first + rest).split("\n")[:-1]]
        with open_store(path) as store:
            now = running(store, fault_rules)
            assert now.problem is None
            # At most one step was taken that nobody heard of.
            steps = [one for one in store.rule_versions.all() if one.published_by]
            assert {int(number) for number, _ in told} - {0} <= {one.number for one in steps}
            bodies = [msgspec.json.decode(row["body"]) for row in store.audit.rows()]
            recorded = [body for body in bodies if body["kind"] == "rules"]
            assert recorded[-1]["rules"] == now.rules
            assert store.verify_audit().findings == ()
            assert "published" in {body["detail"]["why"] for body in recorded}
            published = len(steps)
    print(f"{published} versions published under kills; the one in force is whole and recorded")
    assert published >= rounds(40)


def test_a_version_that_breaks_leaves_the_former_one_and_the_doctor_says_so(
    tmp_path: Path,
    fault_rules: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from engine.cli.app import main

    monkeypatch.setattr(paths, "RULES", fault_rules)
    data = tmp_path / "data"
    with open_store(data / "zuoxi.db") as store:
        workshop = Workshop(store, fault_rules)
        for word in ("送您一份礼", "白送"):
            known = {one.id for one in workshop.rules()}
            text = GIFT.replace("送您一份礼", word)
            workshop.put(text, "王班长", id="own.gift" if "own.gift" in known else "")
            number = workshop.start_trial("王班长", "加一条").number
            workshop.ask(number, "王班长")
            workshop.approve(number, "李班长")
    database = open_database(data / "zuoxi.db")
    database.run("DROP TRIGGER rule_versions_unchanged")
    database.run("UPDATE rule_versions SET changes = '[{' WHERE number = 2")
    database.close()
    with open_store(data / "zuoxi.db") as store:
        now = running(store, fault_rules)
        assert Gate(now.rule_set).screen("送您一份礼", "agent").action == "block"
    main(["--data", str(data), "doctor", "--json"])
    checks = {one["check"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["rules"]["status"] == "warning"
    assert "第 2 版没能生效" in checks["rules"]["advice"]
    assert "第 1 版" in checks["rules"]["advice"]
    print(checks["rules"]["advice"])


def test_a_broken_pack_of_a_company_is_refused_with_its_line_and_changes_nothing(
    tmp_path: Path,
    fault_rules: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from engine.cli.app import main

    monkeypatch.setattr(paths, "RULES", fault_rules)
    data = ["--data", str(tmp_path / "data")]
    pack = "pack: {id: own, version: 1, owner: 质检组, title: {zh: 自家, en: Own}}\nrules:\n  - "
    whole = pack + GIFT.replace("\n", "\n    ")
    hostile = {
        "fails.yaml": (whole.replace("must_hit: [送您", "must_hit: [给您"), "fails.yaml:12"),
        "field.yaml": (whole.replace("level: L3", "level: L9"), "field.yaml:6"),
        "bomb.yaml": ("a: &a [x]\nb: [*a, *a]\n", "bomb.yaml:2"),
        "deep.yaml": ("[" * 300_000, "deep.yaml"),
        "evil.yaml": (whole.replace("words: [送您一份礼]", "expressions: ['(a']"), "evil.yaml:11"),
        "huge.yaml": ("#" * 2_000_001, "huge.yaml"),
        "bytes.yaml": ("\x00\ud800", "bytes.yaml"),
    }
    for name, (text, said) in hostile.items():
        file = tmp_path / name
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        for command in (["validate"], ["replay"]):
            code = main([*data, "rules", *command, str(file), "--json"])
            answer = capsys.readouterr().out
            assert code == 1, (name, answer)
            assert said.split(":")[0] in answer, (name, answer)
            if ":" in said and "problems" in answer:
                assert json.loads(answer)["problems"][0]["line"] == int(said.split(":")[1])
    assert main([*data, "rules", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == load_rules(fault_rules).version


def test_on_a_full_disk_an_edit_is_not_kept_and_the_former_draft_is(
    tmp_path: Path, fault_rules: Path
) -> None:
    with open_store(tmp_path / "zuoxi.db") as store:
        workshop = Workshop(store, fault_rules)
        workshop.put(GIFT, "王班长")
        longer = GIFT + "# 说明\n" * 40_000
        database = store._database
        pages = database.row("PRAGMA page_count")
        assert pages is not None
        database.rows(f"PRAGMA max_page_count = {pages['page_count']}")
        for _ in range(2):
            with pytest.raises(StoreError) as full:
                workshop.put(longer, "李班长", id="own.gift")
            assert full.value.code == "store_full"
        assert workshop.one("rule", "own.gift").text == GIFT
        working = workshop.working()
        assert working is not None and working.authors == ("王班长",)
        assert running(store, fault_rules).rules == load_rules(fault_rules).version
        database.rows(f"PRAGMA max_page_count = {pages['page_count'] + 10_000}")
        workshop.put(longer, "李班长", id="own.gift")
        assert workshop.start_trial("王班长", "加一条").authors == ("王班长", "李班长")
        assert store.verify_audit().sound
