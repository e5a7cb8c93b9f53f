"""Versions of the rules: trial first, a second lead, roll-back, and the set that runs meanwhile."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from written_rules import GIFT

from engine.errors import InputError, RuleError, StoreError
from engine.reception import receive
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.store.database import open_database
from engine.store.store import Store
from engine.texts import explain
from engine.workshop.running import RulesWatcher, running
from engine.workshop.workshop import Workshop

AUTHOR, LEAD = "王班长", "李班长"


def tried(workshop: Workshop) -> int:
    """A version on trial that blocks gifts."""
    workshop.put(GIFT, AUTHOR)
    return workshop.start_trial(AUTHOR, "不许诺送礼").number


def published(workshop: Workshop) -> int:
    """The same in force."""
    number = tried(workshop)
    workshop.ask(number, AUTHOR)
    workshop.approve(number, LEAD)
    return number


def acts(store: Store, packs: Path, text: str) -> str:
    """What the rules that run do about an agent's text."""
    return Gate(running(store, packs).rule_set).screen(text, "agent").action


def test_on_trial_a_rule_is_only_recorded(store: Store, packs: Path, workshop: Workshop) -> None:
    tried(workshop)
    now = workshop.standing()
    gate = Gate(now.rule_set)
    screening = gate.screen("送您一份礼，包你满意", "agent")
    assert [hit.rule for hit in screening.hits] == ["promise"]
    assert [(hit.rule, hit.trial) for hit in screening.shadow] == [("own.gift", True)]
    assert now.in_force is None and now.trial is not None and now.trial.state == "trial"
    assert now.rules == f"{load_rules(packs).version}+{now.trial.rule_set}"
    assert workshop.working() is None


def test_a_rule_on_trial_stands_beside_the_one_it_is_to_replace(workshop: Workshop) -> None:
    text = workshop.one("rule", "promise").text
    workshop.put(text.replace("[包你满意]   #", "[打包票]   #").replace(
        "must_hit: [包你满意]", "must_hit: [打包票]"), AUTHOR, id="promise")  # fmt: skip
    number = workshop.start_trial(AUTHOR, "换个说法").number
    gate = Gate(workshop.standing().rule_set)
    screening = gate.screen("包你满意，打包票", "agent")
    assert [(hit.rule, hit.text) for hit in screening.hits] == [("promise", "包你满意")]
    assert [(hit.rule, hit.text) for hit in screening.shadow] == [("promise", "打包票")]
    workshop.ask(number, AUTHOR)
    workshop.approve(number, LEAD)
    screening = Gate(workshop.standing().rule_set).screen("包你满意，打包票", "agent")
    assert [hit.text for hit in (*screening.hits, *screening.shadow)] == ["打包票"]


def test_hits_of_a_trial_are_counted(store: Store, packs: Path, workshop: Workshop) -> None:
    workshop.put(GIFT.replace("[model, agent]", "customer"), AUTHOR)
    workshop.start_trial(AUTHOR, "先看看")
    gate = Gate(workshop.standing().rule_set)
    received = receive(store, gate, "张三", "听说送您一份礼？")
    assert received.handover is None and workshop.trial_hits() == {"own.gift": 1}


def test_nobody_puts_an_own_version_into_force(
    store: Store, packs: Path, workshop: Workshop
) -> None:
    number = tried(workshop)
    for answer in (workshop.approve, workshop.refuse):
        for who in (LEAD, AUTHOR):
            with pytest.raises(InputError) as not_asked:
                answer(number, who, "看过了")
            assert not_asked.value.code == "version_not_asked"
    workshop.ask(number, "赵班长")
    for own in (AUTHOR, f" {AUTHOR}　", "赵班长"):
        with pytest.raises(InputError) as caught:
            workshop.approve(number, own)
        assert caught.value.code == "own_version"
    assert acts(store, packs, "送您一份礼") == "none"
    version = workshop.approve(number, LEAD, "看过了")
    assert (version.state, version.published_by) == ("in_force", LEAD)
    assert acts(store, packs, "送您一份礼") == "block"


def test_the_database_itself_refuses_an_author_who_publishes(
    store: Store, workshop: Workshop
) -> None:
    number = tried(workshop)
    database = open_database(store.path)
    try:
        step = {"version": number, "step": "published", "who": AUTHOR, "comment": "", "rules": "",
                "at": 0.0}  # fmt: skip
        with pytest.raises(StoreError):
            database.insert("rule_steps", step)
        for change in ("UPDATE rule_versions SET changes = ''", "DELETE FROM rule_steps"):
            with pytest.raises(StoreError):
                database.run(change)
    finally:
        database.close()


def test_whoever_edited_the_draft_is_one_of_its_authors(workshop: Workshop) -> None:
    workshop.put(GIFT, AUTHOR)
    workshop.put(GIFT.replace("L3", "L4"), "赵班长", id="own.gift")
    number = workshop.start_trial(AUTHOR, "一起改的").number
    workshop.ask(number, AUTHOR)
    with pytest.raises(InputError):
        workshop.approve(number, "赵班长")
    assert workshop.approve(number, LEAD).authors == (AUTHOR, "赵班长")


def test_who_wrote_what_is_on_trial_is_an_author_of_what_comes_of_it(workshop: Workshop) -> None:
    first = tried(workshop)
    workshop.put(GIFT.replace("L3", "L4"), "赵班长", id="own.gift")
    workshop.withdraw(first, "赵班长")
    second = workshop.start_trial("赵班长", "更严").number
    workshop.ask(second, "赵班长")
    with pytest.raises(InputError) as own:
        workshop.approve(second, AUTHOR)
    assert own.value.code == "own_version"
    assert workshop.approve(second, LEAD).state == "in_force"


def test_what_fails_its_examples_is_never_tried(workshop: Workshop) -> None:
    workshop.put(GIFT.replace("must_hit: [送您", "must_hit: [给您"), AUTHOR)
    with pytest.raises(RuleError) as caught:
        workshop.start_trial(AUTHOR, "不行的")
    assert "公司规则 own.gift 第 10 行" in explain(caught.value, "zh")
    assert "company rule own.gift, line 10" in caught.value.message
    assert "给您" in explain(caught.value, "zh")
    assert workshop.versions() == () and workshop.working() is not None


def test_a_draft_that_says_nothing_new_is_no_version(workshop: Workshop) -> None:
    with pytest.raises(InputError) as nothing:
        workshop.start_trial(AUTHOR, "没改")
    workshop.put(GIFT, AUTHOR)
    workshop.restore("rule", "own.gift", AUTHOR)
    with pytest.raises(InputError) as undone:
        workshop.start_trial(AUTHOR, "没改")
    assert nothing.value.code == undone.value.code == "rules_nothing_changed"


def test_a_trial_ends_and_is_the_draft_again(store: Store, packs: Path, workshop: Workshop) -> None:
    number = tried(workshop)
    workshop.put(GIFT.replace("own.gift", "own.two"), AUTHOR)
    with pytest.raises(InputError) as second:
        workshop.start_trial(AUTHOR, "第二个")
    assert second.value.code == "rules_on_trial"
    workshop.discard(AUTHOR)
    workshop.ask(number, AUTHOR)
    with pytest.raises(InputError):
        workshop.refuse(number, LEAD, " ")
    assert workshop.refuse(number, LEAD, "例句太少").state == "refused"
    assert workshop.one("rule", "own.gift").edited
    assert workshop.standing().rules == load_rules(packs).version
    again = workshop.start_trial(AUTHOR, "补了例句").number
    assert workshop.withdraw(again, AUTHOR).state == "withdrawn"
    with pytest.raises(InputError):
        workshop.ask(again, AUTHOR)


def test_rolling_back_is_done_at_once_and_audited(
    store: Store, packs: Path, workshop: Workshop
) -> None:
    first = published(workshop)
    workshop.put(GIFT.replace("own.gift", "own.two").replace("送您一份礼", "白送"), AUTHOR)
    second = workshop.start_trial(AUTHOR, "再加一条").number
    workshop.ask(second, AUTHOR)
    workshop.approve(second, LEAD)
    assert acts(store, packs, "白送") == "block"
    workshop.roll_back(first, LEAD, "误拦太多")
    assert (acts(store, packs, "白送"), acts(store, packs, "送您一份礼")) == ("none", "block")
    workshop.roll_back(0, LEAD, "全部撤回")
    assert acts(store, packs, "送您一份礼") == "none"
    states = {one.number: one.state for one in workshop.versions()}
    assert states == {first: "rolled_back", second: "rolled_back"}
    with pytest.raises(InputError):
        workshop.roll_back(0, LEAD, "再撤一次")
    records = [msgspec.json.decode(row["body"]) for row in store.audit.rows()]
    changed = [one for one in records if one["kind"] == "rules"]
    assert [one["detail"]["why"] for one in changed] == [
        *("trial", "asked", "published", "trial", "asked", "published", "restored", "restored")
    ]
    assert changed[2]["detail"]["approved_by"] == LEAD and changed[2]["who"] == LEAD
    assert changed[-1]["rules"] == load_rules(packs).version
    assert changed[-1]["detail"]["former"] == changed[-2]["rules"]
    assert not store.audit.rules_in_use(workshop.standing().rules)
    assert store.verify_audit().sound


def test_a_standing_gate_takes_over_what_another_process_publishes(
    store: Store, packs: Path, workshop: Workshop, gate: Gate
) -> None:
    watcher = RulesWatcher(store.path, packs)
    first = watcher.look()
    assert first is not None and first.rules == gate.version
    assert watcher.look() is None
    published(workshop)
    found = watcher.look()
    assert found is not None and found.in_force is not None
    gate.take(gate.made_ready(found.rule_set))
    assert gate.screen("送您一份礼", "agent").action == "block"
    assert gate.version == workshop.standing().rules
    receive(store, gate, "张三", "你好")
    assert watcher.look() is None


def test_without_a_database_what_ships_runs(tmp_path: Path, packs: Path) -> None:
    found = RulesWatcher(tmp_path / "none.db", packs).look()
    assert found is not None and found.rules == load_rules(packs).version
    assert not (tmp_path / "none.db").exists()


def test_a_version_that_does_not_load_any_more_leaves_the_former_one(
    store: Store, packs: Path, workshop: Workshop, tmp_path: Path
) -> None:
    first = published(workshop)
    text = workshop.one("rule", "promise").text
    workshop.put(text.replace("L3", "L4"), AUTHOR, id="promise")
    second = workshop.start_trial(AUTHOR, "更严").number
    workshop.ask(second, AUTHOR)
    workshop.approve(second, LEAD)
    # A newer program, say, whose pack has another name for what the changed rule refers to.
    other = tmp_path / "newer"
    other.mkdir()
    pack = (packs / "test.yaml").read_text("utf-8").replace("denial", "negation")
    (other / "test.yaml").write_text(pack, "utf-8")
    now = running(store, other)
    assert (now.used, now.in_force and now.in_force.number) == (first, second)
    assert now.problem is not None and "no_context" not in explain(now.problem, "zh")
    assert f"第 {first} 版" in explain(now.problem, "zh")
    assert Gate(now.rule_set).screen("送您一份礼", "agent").action == "block"


def test_a_version_that_was_tampered_with_is_not_used(
    store: Store, packs: Path, workshop: Workshop
) -> None:
    published(workshop)
    database = open_database(store.path)
    try:
        database.run("DROP TRIGGER rule_versions_unchanged")
        database.run(
            "UPDATE rule_versions SET changes = replace(changes, '送您一份礼', '随便什么')"
        )
    finally:
        database.close()
    now = running(store, packs)
    assert now.used == 0 and now.rules == load_rules(packs).version
    assert now.problem is not None and now.problem.code == "rules_version_broken"
    assert {one.what for one in store.verify_audit().findings} == {"row_altered", "unguarded"}


def test_a_version_that_a_damaged_file_lost_is_told_and_the_former_one_used(
    store: Store, packs: Path, workshop: Workshop
) -> None:
    published(workshop)
    database = open_database(store.path)
    try:
        database.run("DROP TRIGGER rule_versions_kept")
        database.run("DELETE FROM rule_versions")
    finally:
        database.close()
    now = running(store, packs)
    assert now.rules == load_rules(packs).version
    assert now.problem is not None and "第 1 版" in explain(now.problem, "zh")
    assert {one.what for one in store.verify_audit().findings} == {"row_missing", "unguarded"}
    # The workshop opens all the same, on what is used.
    assert {one.origin for one in workshop.rules()} == {"shipped"}
    workshop.roll_back(0, LEAD, "丢了")
    assert running(store, packs).problem is None
