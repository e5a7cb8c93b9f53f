"""The draft of the workshop: texts of single rules, kept with every edit, even while wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_rules import GIFT

from engine import paths
from engine.errors import InputError, RuleError
from engine.redline.changes import Change, split
from engine.redline.packs import packs_in, read_text
from engine.redline.schema import Pack, Rule, Script
from engine.store.store import Store, open_store
from engine.store.text import clean
from engine.workshop.workshop import Workshop


def test_every_rule_that_ships_is_shown_as_it_is_written(workshop: Workshop) -> None:
    rules = {one.id: one for one in workshop.rules()}
    assert list(rules) == ["promise", "court", "greeting"]
    assert {one.origin for one in rules.values()} == {"shipped"}
    assert rules["promise"].text.startswith("id: promise\nside: [model, agent]\n")
    assert "# kept as it is written" in rules["promise"].text
    assert rules["court"].former is not None and not rules["court"].edited


@pytest.mark.parametrize("pack", packs_in(paths.RULES), ids=lambda path: path.stem)
def test_a_rule_cut_out_of_its_pack_says_the_same(pack: Path) -> None:
    text = pack.read_text("utf-8")
    whole, _ = read_text(text.encode(), Pack)
    cut: dict[str, Rule | Script] = {}
    for change, line in split(text):
        if change.kind != "context":
            kind = Rule if change.kind == "rule" else Script
            cut[change.id] = read_text(change.text.encode(), kind)[0]
            assert change.id in text.splitlines()[line - 1]
    assert cut == {one.id: one for one in (*whole.rules, *whole.scripts)}


def test_a_word_that_a_company_adds_holds_whatever_the_classifier_says(store: Store) -> None:
    workshop = Workshop(store, paths.RULES)
    shipped = workshop.one("rule", "reply.overpromise")
    assert shipped.rule is not None and isinstance(shipped.rule, Rule)
    assert shipped.rule.match.backed and not shipped.rule.match.sure
    text = shipped.text.replace("words: [", "words: [您好呀, ").replace(
        "must_hit: [", "must_hit: [您好呀, "
    )
    kept = workshop.put(text, "王班长", id="reply.overpromise")
    assert kept.problems == ()
    assert isinstance(kept.rule, Rule) and kept.rule.match.sure == ("您好呀",)


def test_an_edit_is_there_after_a_restart_even_while_it_is_wrong(
    store: Store, packs: Path, workshop: Workshop
) -> None:
    text = workshop.one("rule", "promise").text.replace("must_hit: [包你满意]", "must_hit: [没有]")
    kept = workshop.put(text, "王班长", id="promise")
    assert (kept.origin, kept.edited) == ("changed", True)
    assert [(one.code, one.line, one.example) for one in kept.problems] == [
        ("must_hit_fails", 12, "没有")
    ]
    with open_store(store.path) as again:
        found = Workshop(again, packs).one("rule", "promise")
        assert found.text == text and found.problems == kept.problems
        assert found.problems[0].told("zh") == "必须命中的例句没有命中"


def test_a_text_that_is_typed_is_checked_line_by_line_and_kept_by_nobody(
    workshop: Workshop,
) -> None:
    found = workshop.check(GIFT.replace("must_miss: [你好]", "must_miss: [送您一份礼]"))
    assert [(one.kind, one.holds, one.spans) for one in found.examples] == [
        ("hit", True, ((0, 5),)),
        ("miss", False, ((0, 5),)),
    ]
    assert [(one.code, one.line) for one in found.problems] == [("must_miss_fails", 11)]
    assert workshop.check(GIFT.replace("level: L3", "level: L9")).problems[0].line == 4
    assert workshop.check("a: &x [1]\nb: *x").problems[0].code == "aliases"
    assert workshop.check("[" * 100_000).problems
    assert workshop.working() is None


def test_a_rule_may_use_the_contexts_of_the_pack_it_is_from(workshop: Workshop) -> None:
    text = workshop.one("rule", "promise").text
    assert workshop.check(text, pack="test").problems == ()
    assert [one.code for one in workshop.check(text).problems] == ["no_context"]
    workshop.put_all([Change("context", "denial", "['(?:不会|不能|绝不)']\n")], "王班长")
    assert workshop.check(text).problems == ()


def test_rules_are_added_switched_off_and_restored(workshop: Workshop) -> None:
    workshop.put(GIFT, "王班长")
    workshop.switch_off("rule", "court", "李班长")
    assert {one.id: one.origin for one in workshop.rules()} == {
        "promise": "shipped",
        "court": "off",
        "greeting": "shipped",
        "own.gift": "added",
    }
    working = workshop.working()
    assert working is not None and working.authors == ("王班长", "李班长")
    assert [rule.id for rule in workshop.rule_set("draft").rules] == ["promise", "own.gift"]
    assert [(one.id, one.what) for one in workshop.diff("in_force", "draft")] == [
        ("court", "removed"),
        ("own.gift", "added"),
    ]
    workshop.restore("rule", "court", "王班长")
    workshop.restore("rule", "own.gift", "王班长")
    assert workshop.diff("in_force", "draft") == ()


def test_a_text_put_back_to_what_ships_is_no_change(workshop: Workshop) -> None:
    text = workshop.one("rule", "court").text
    workshop.put(text + "# more\n", "王班长", id="court")
    assert workshop.one("rule", "court").origin == "changed"
    workshop.put(text, "王班长", id="court")
    assert workshop.one("rule", "court").origin == "shipped"


def test_a_new_rule_needs_an_id_of_its_own(workshop: Workshop) -> None:
    with pytest.raises(InputError) as no_id:
        workshop.put("side: [", "王班长")
    with pytest.raises(InputError) as taken:
        workshop.put(workshop.one("rule", "court").text, "王班长")
    with pytest.raises(InputError) as nobody:
        workshop.put(GIFT, " ")
    codes = [one.value.code for one in (no_id, taken, nobody)]
    assert codes == ["rule_no_id", "rule_id_taken", "no_name"]
    assert workshop.working() is None


def test_problems_between_rules_are_told_of_the_one_that_was_changed(workshop: Workshop) -> None:
    twin = GIFT.replace("own.gift", "own.other")
    workshop.put(twin, "王班长")
    workshop.put(twin.replace("own.other", "own.gift"), "王班长", id="own.other")
    assert [one.code for one in workshop.problems()] == ["renamed"]
    workshop.put(twin.replace("送您一份礼", "专人联系"), "王班长", id="own.other")
    assert [(one.rule, one.code) for one in workshop.problems()] == [("own.other", "keeps_back")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("when: {expressions: ['(']}", "expression"),
        ("when: {words: [在吗]}\nsatisfied_if: ['(']", "expression"),
        ("when: {}", "script_never"),
    ],
)
def test_a_script_that_does_not_compile_is_told(workshop: Workshop, line: str, code: str) -> None:
    text = workshop.one("script", "greeting").text.replace("when: {words: [在吗]}", line)
    found = workshop.check(text, kind="script", id="greeting")
    assert [one.code for one in found.problems] == [code]
    assert workshop.put(text, "王班长", kind="script", id="greeting").problems == found.problems


@pytest.mark.parametrize("stored", ["", "{", "[1]", '[{"kind": "rule"}]'])
def test_a_damaged_draft_is_told_and_can_be_discarded(
    store: Store, workshop: Workshop, stored: str
) -> None:
    store.rule_draft.put(0, stored, ("王班长",))
    for ask in (workshop.rules, workshop.problems, workshop.working):
        with pytest.raises(RuleError) as caught:
            ask()
        assert caught.value.code == "rule_draft_unread"
    with pytest.raises(RuleError):
        workshop.put(GIFT, "王班长", id="own.gift")
    with pytest.raises(RuleError):
        workshop.start_trial("王班长", "试试")
    workshop.put_all((Change("rule", "own.gift", GIFT),), "李班长", anew=True)
    working = workshop.working()
    assert working is not None and working.authors == ("李班长",)


class _Meanwhile(tuple[Change, ...]):
    """Changes that somebody else is quicker than: `first` is done before they are looked at."""

    first: Callable[[], object] | None = None

    def __iter__(self) -> Iterator[Change]:
        first, self.first = self.first, None
        if first is not None:
            first()
        return super().__iter__()


def test_no_edit_of_another_process_is_lost(store: Store, packs: Path, workshop: Workshop) -> None:
    mine = _Meanwhile([Change("rule", "own.gift", GIFT)])
    with open_store(store.path) as other_store:
        other = Workshop(other_store, packs)
        theirs = GIFT.replace("own.gift", "own.other")
        mine.first = lambda: other.put(theirs, "赵班长")
        workshop.put_all(mine, "王班长", off=["court"])
    found = {one.id for one in workshop.diff("in_force", "draft")}
    assert found == {"own.gift", "own.other", "court"}
    working = workshop.working()
    assert working is not None and working.authors == ("赵班长", "王班长")


def test_a_text_is_tried_under_both_sets(workshop: Workshop) -> None:
    workshop.put(GIFT, "王班长")
    tried = workshop.try_text("包你满意，再送您一份礼", "agent")
    assert [hit.rule for hit in tried.former.hits] == ["promise"]
    assert [hit.rule for hit in tried.changed.hits] == ["promise", "own.gift"]


_PIECES = (
    *("id: own.x\n", "level: L3\n", "match: {words: [a]}\n", "must_hit: [x]\n", "送您一份礼"),
    *(
        "- ",
        "{",
        "[",
        ": ",
        "'",
        "*a",
        "&a ",
        "!!binary x",
        "? ",
        "|\n ",
        "\u2028",
        "\x00",
        "\ud800",
    ),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=4), max_size=12).map("".join))
def test_whatever_is_typed_makes_problems_and_never_another_error(
    workshop: Workshop, text: str
) -> None:
    for kind in ("rule", "script", "context"):
        found = workshop.check(text, kind=kind)  # type: ignore[arg-type]
        assert found.problems or found.rule or kind == "context"
    if text.strip():
        kept = workshop.put(text, "王班长", id="promise")
        assert kept.text == clean(text)
        assert workshop.problems() or kept.rule is not None
        workshop.restore("rule", "promise", "王班长")
