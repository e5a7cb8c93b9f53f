"""What a rule may say beside what it matches: level, dates, trial, rewrite, whole dialogues."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from engine.errors import RuleError
from engine.records import Turn
from engine.redline.dialogue import example_turns
from engine.redline.gate import Gate, masked, override_of
from engine.redline.rules import check_rules, load_rules

HEAD = """\
pack: {id: t, version: 1, owner: 质检组, title: {zh: 测试, en: Test}}
"""
RULE = """\
  - id: t.one
    side: agent
    category: promise
    level: L2
    action: block
    name: {zh: 名, en: N}
    why: {zh: 因, en: W}
    advice: {zh: 做, en: D}
    match: {words: [坏词]}
    must_hit: [这是坏词]
    must_miss: [这是好词]
"""
SCRIPT = """\
scripts:
  - id: t.identity
    name: {zh: 身份, en: Identity}
    by_turn: 1
    text: {zh: 我是本店客服。, en: I am with customer service.}
    satisfied_by: [我是本店, I am with]
"""


def packs(tmp_path: Path, *rules: str, scripts: str = "", name: str = "t.yaml") -> Path:
    body = HEAD + ("rules:\n" + "".join(rules) if rules else "") + scripts
    (tmp_path / name).write_text(body, encoding="utf-8")
    return tmp_path


def changed(**lines: str) -> str:
    """`RULE` with some of its lines in other words, or with more lines."""
    out = RULE
    for key, value in lines.items():
        starts = (f"    {key}:", f"  - {key}:")
        old = next((line for line in RULE.splitlines() if line.startswith(starts)), None)
        new = f"{old[:4] if old else '    '}{key}: {value}"
        out = out.replace(old, new) if old else out + new + "\n"
    return out


def gate_of(folder: Path, day: date = date(2026, 6, 1)) -> Gate:
    return Gate(load_rules(folder), today=lambda: day)


@pytest.mark.parametrize(
    ("rule", "line", "said"),
    [
        (changed(level="L1"), 7, "level L1 cannot block"),
        (changed(must_hit="[这是坏词, 这句没有]"), 12, "must hit"),
        (changed(match="{words: [坏词], expressions: ['(坏']}"), 11, "RE2"),
        (changed(match="{words: [坏词], wrods: [x]}"), 11, "wrods"),
        (changed(level="L9"), 6, "L9"),
        (changed(effective="{from: 2026-05-01, until: 2026-04-01}"), 14, "ends before"),
        (changed(before_storage="true"), 14, "before storage"),
        (changed(dialogue="{agent_turns: [3, 2]}"), 14, "first turn"),
        (changed(dialogue="{unsaid: {by: agent, words: [好], expressions: ['a*']}}"), 14, "empty"),
        (changed(rewrite="{zh: 说坏词, en: Say it}"), 14, "breaks the rule t.one"),
    ],
)
def test_a_problem_names_its_file_and_line(tmp_path: Path, rule: str, line: int, said: str) -> None:
    problems = check_rules(packs(tmp_path, rule))
    assert said in problems[0].message
    assert (problems[0].file, problems[0].line) == ("t.yaml", line)
    with pytest.raises(RuleError, match=f"t.yaml:{line}"):
        load_rules(tmp_path)


def test_broken_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(HEAD + "rules:\n  - {id: [\n", encoding="utf-8")
    [problem] = check_rules(tmp_path)
    assert problem.line >= 3


def test_versions_of_a_rule_may_follow_each_other_but_not_overlap(tmp_path: Path) -> None:
    old = changed(version="1", effective="{until: 2026-06-30}")
    new = changed(version="2", effective="{from: 2026-07-01}", match="{words: [坏词, 坏话]}")
    folder = packs(tmp_path, old, new)
    assert gate_of(folder, date(2026, 6, 30)).screen("坏话", "agent").action == "none"
    assert gate_of(folder, date(2026, 7, 1)).screen("坏话", "agent").action == "block"
    packs(tmp_path, old, new.replace("2026-07-01", "2026-06-30"))
    [problem] = check_rules(tmp_path)
    assert "same days" in problem.message and problem.line == 16
    packs(tmp_path, old, new.replace("version: 2", "version: 1"))
    assert "same version" in check_rules(tmp_path)[0].message


def test_a_gate_that_stands_for_weeks_follows_the_dates(tmp_path: Path) -> None:
    day = [date(2026, 6, 30)]
    folder = packs(tmp_path, changed(effective="{from: 2026-07-01, until: 2026-07-02}"))
    gate = Gate(load_rules(folder), today=lambda: day[0])
    found = []
    for number in (30, 1, 2, 3):
        day[0] = date(2026, 6 if number == 30 else 7, number)
        found.append(gate.screen("坏词", "agent").action)
    assert found == ["none", "block", "block", "none"]


def test_a_rule_on_trial_is_recorded_and_never_acts(tmp_path: Path) -> None:
    gate = gate_of(packs(tmp_path, changed(shadow="true")))
    found = gate.screen("这是坏词", "agent")
    assert (found.hits, found.action) == ((), "none")
    assert [(hit.rule, hit.text) for hit in found.shadow] == [("t.one", "坏词")]
    assert gate.matcher("agent").find("坏词") == []


@pytest.mark.parametrize(
    ("level", "override"), [("L2", "told"), ("L3", "approved"), ("L4", "never")]
)
def test_the_level_says_who_may_let_a_text_pass(tmp_path: Path, level: str, override: str) -> None:
    gate = gate_of(packs(tmp_path, changed(level=level)))
    assert override_of(gate.screen("坏词", "agent")) == override
    assert override_of(gate.screen("好词", "agent")) == "free"


def test_a_mask_may_put_another_wording_in_place(tmp_path: Path) -> None:
    rule = changed(action="mask", rewrite="{zh: 更好的说法, en: Better}")
    gate = gate_of(packs(tmp_path, rule))
    text = "坏词，又是坏 词。"
    assert masked(text, gate.screen(text, "agent")) == "更好的说法，又是坏 词。"


def test_owner_and_basis_stand_with_each_rule(tmp_path: Path) -> None:
    rule = changed(basis="[{law: 广告法, article: 第九条}]")
    [loaded] = load_rules(packs(tmp_path, rule)).rules
    assert (loaded.owner, loaded.basis[0].article) == ("质检组", "第九条")


def test_what_rules_keep_out_of_storage_is_masked(tmp_path: Path) -> None:
    rule = changed(side="customer", action="mask", before_storage="true")
    gate = gate_of(packs(tmp_path, rule))
    assert gate.for_storage("这是坏词，谢谢") == "这是**，谢谢"
    assert gate.for_storage("没有什么") == "没有什么"


UNIDENTIFIED = """\
  - id: t.identity_missing
    side: agent
    category: script
    level: L1
    action: hint
    name: {zh: 没有报身份, en: No identity}
    why: {zh: 因, en: W}
    advice: {zh: 做, en: D}
    dialogue: {agent_turns: [2, 2], unsaid: {by: agent, words: [我是本店]}}
    must_hit: ["A: 您好\\nC: 在吗\\nA: 在的"]
    must_miss: ["A: 您好，我是本店客服\\nC: 在吗\\nA: 在的", "C: 在吗\\nA: 在的"]
"""


def test_a_rule_can_ask_what_was_left_unsaid_until_a_turn(tmp_path: Path) -> None:
    gate = gate_of(packs(tmp_path, UNIDENTIFIED))
    turns = [Turn("customer", "在吗"), Turn("agent", "您好"), Turn("customer", "怎么退")]
    [hit] = gate.screen("七天内可以退", "agent", turns=turns).hits
    assert (hit.rule, hit.start, hit.end, hit.action) == ("t.identity_missing", 0, 0, "hint")
    assert gate.screen("我是本店小李，七天内可以退", "agent", turns=turns).hits == ()
    assert gate.screen("您好", "agent", turns=turns[:1]).hits == ()
    later = [*turns, Turn("agent", "七天内"), Turn("customer", "好")]
    assert gate.screen("不客气", "agent", turns=later).hits == ()


def test_a_dialogue_example_that_fails_is_named(tmp_path: Path) -> None:
    wrong = UNIDENTIFIED.replace(
        'C: 在吗\\nA: 在的"]\n    must_miss', 'A: 我是本店"]\n    must_miss'
    )
    [problem] = check_rules(packs(tmp_path, wrong))
    assert "must hit" in problem.message and problem.line == 12


CHASED = """\
  - id: t.chased
    side: customer
    category: escalation
    level: L1
    action: hint
    name: {zh: 催, en: Chased}
    why: {zh: 因, en: W}
    advice: {zh: 做, en: D}
    match: {words: [怎么还没, 有结果了吗]}
    dialogue:
      said: {by: agent, expressions: ['[0-9]+ ?(?:小时|天)内']}
      unsaid: {by: agent, words: [结果出来了]}
    must_hit: ["A: 24小时内回复您\\nC: 怎么还没消息"]
    must_miss: ["A: 24小时内回复您\\nA: 结果出来了\\nC: 怎么还没消息", "怎么还没发货"]
"""


def test_a_rule_can_ask_whether_a_promise_stays_unanswered(tmp_path: Path) -> None:
    gate = gate_of(packs(tmp_path, CHASED))
    promised = [Turn("customer", "坏了"), Turn("agent", "我们2天内答复")]
    assert [h.text for h in gate.screen("有结果了吗", "customer", turns=promised).hits] == [
        "有结果了吗"
    ]
    answered = [*promised, Turn("agent", "结果出来了，给您换新")]
    assert gate.screen("有结果了吗", "customer", turns=answered).hits == ()
    assert gate.screen("有结果了吗", "customer").hits == ()


def test_a_script_can_be_due_by_a_turn_and_on_trial(tmp_path: Path) -> None:
    gate = gate_of(packs(tmp_path, RULE, scripts=SCRIPT))
    turns = [Turn("customer", "在吗")]
    assert gate.screen("在的", "agent", turns=turns).scripts == ("我是本店客服。",)
    assert gate.screen("我是本店小李", "agent", turns=turns).scripts == ()
    said = [*turns, Turn("agent", "我是本店小李"), Turn("customer", "好")]
    assert gate.screen("在的", "agent", turns=said).scripts == ()
    trial = gate_of(packs(tmp_path, RULE, scripts=SCRIPT + "    shadow: true\n"))
    found = trial.screen("在的", "agent", turns=turns)
    assert (found.scripts, found.action) == ((), "none")
    assert [hit.rule for hit in found.shadow] == ["t.identity"]


def test_a_script_that_breaks_a_rule_is_refused(tmp_path: Path) -> None:
    bad = SCRIPT.replace("我是本店客服。", "我是本店客服，不说坏词。")
    [problem] = check_rules(packs(tmp_path, RULE, scripts=bad))
    assert (problem.rule, problem.file) == ("t.identity", "t.yaml")
    assert "t.one" in problem.message and problem.line == 18


def test_a_rule_for_no_language_is_refused(tmp_path: Path) -> None:
    [problem] = check_rules(packs(tmp_path, changed(languages="[]")))
    assert (problem.code, problem.line) == ("no_language", 14)


def test_a_line_of_an_example_that_names_nobody_is_a_customers_as_it_stands() -> None:
    turns, said = example_turns("在吗\nA: 您好\n C: 好的")
    assert turns == (Turn("customer", "在吗"), Turn("agent", "您好"))
    assert said == " C: 好的"
    assert example_turns("C: 在吗\nA: 您好 ") == ((Turn("customer", "在吗"),), "您好")


def test_a_rule_that_stands_a_thousand_times_is_told_once_for_each(tmp_path: Path) -> None:
    problems = check_rules(packs(tmp_path, *[RULE] * 300))
    twice = [problem.line for problem in problems if problem.code == "id_version_twice"]
    assert twice == [3 + len(RULE.splitlines()) * number for number in range(1, 300)]


def test_a_standing_gate_takes_another_set_into_force(tmp_path: Path) -> None:
    gate = gate_of(packs(tmp_path, RULE))
    former = gate.version
    packs(tmp_path, changed(must_hit="[没有]"))
    with pytest.raises(RuleError):
        load_rules(tmp_path)
    assert gate.screen("坏词", "agent").action == "block"
    packs(tmp_path, RULE, changed(id="t.two", match="{words: [坏话]}", must_hit="[坏话]"))
    day_rules = gate.made_ready(load_rules(tmp_path))
    assert gate.screen("坏话", "agent").action == "none" and gate.version == former
    gate.take(day_rules)
    assert gate.screen("坏话", "agent").action == "block" and gate.version != former
