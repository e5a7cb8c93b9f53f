"""Running two rule sets over everything that was said, and telling what would change.

It says what changed rules are to be expected to do, so both sets are judged as they stand on one
day, not each text by the rules of its own: a rule that is new was in force on none of those.

A plain generator: what it yields is the progress, and to close it is to call it off. Only rules
that differ are run, so most of the time goes into reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from engine.records import Action, Hit, Language, Level, Side, Turn
from engine.redline.gate import Gate
from engine.redline.schema import RuleSet
from engine.store.history import Judged, PastText, Source
from engine.store.rows import Verdict
from engine.store.store import Store

What = Literal["new", "lost", "altered"]
Flip = Literal["", "better", "worse"]

_AROUND = 90


class Row(Struct, frozen=True):
    """One hit that would change: `new`, `lost`, or at the same place but `altered` in what it does.

    `start` and `end` index `excerpt`. `verdict` is what a lead judged it to be, and `flips` whether
    that makes the change for the better (a false alarm goes, what was missed is found) or the worse
    (a right hit goes, a false alarm comes). `trial`: it would only be recorded.
    """

    what: What
    rule: str
    name: str
    level: Level
    action: Action
    side: Side
    source: Source
    conversation: str
    message: str | None
    draft: str | None
    at: float
    excerpt: str
    start: int
    end: int
    trial: bool = False
    verdict: Verdict | Literal[""] = ""
    flips: Flip = ""


class Counts(Struct):
    """Hits that would change."""

    new: int = 0
    lost: int = 0
    altered: int = 0
    better: int = 0
    worse: int = 0

    def add(self, row: Row) -> None:
        """Count one more."""
        setattr(self, row.what, getattr(self, row.what) + 1)
        if row.flips:
            setattr(self, row.flips, getattr(self, row.flips) + 1)


class Totals(Counts):
    """The same in all and by rule, and how many texts were looked at."""

    texts: int = 0
    rules: dict[str, Counts] = {}


class Replayed(Struct, frozen=True):
    """`done` of `total` texts are looked at; `rows` are those since the last one."""

    done: int
    total: int
    rows: tuple[Row, ...]
    totals: Totals


def replay(
    store: Store,
    former: RuleSet,
    changed: RuleSet,
    *,
    language: Language = "zh",
    chunk: int = 200,
    day: date | None = None,
) -> Iterator[Replayed]:
    """What `changed` would do in the place of `former`, by the rules' dates as of `day`, or today.

    At least one event, the last with ``done == total``. The totals are the same object in all
    events, and grow. Raises `StoreError`, `RuleError`.
    """
    on = day or date.today()
    before, after = _differing(former, changed, on), _differing(changed, former, on)
    totals = Totals(rules={})
    total = store.history.total()
    rows: list[Row] = []
    asked = 0
    if any(gate.rule_set.rules or gate.rule_set.scripts for gate in (before, after)):
        for conversation in store.history.conversations():
            for text in conversation.texts:
                turns = conversation.turns[: text.before]
                for row in _compared(text, conversation.id, before, after, turns, language):
                    totals.add(row)
                    totals.rules.setdefault(row.rule, Counts()).add(row)
                    rows.append(row)
                totals.texts += 1
                asked += 1
                if asked >= chunk:
                    yield Replayed(totals.texts, max(total, totals.texts), tuple(rows), totals)
                    rows, asked = [], 0
    done = max(total, totals.texts)
    totals.texts = done
    yield Replayed(done, done, tuple(rows), totals)


def not_in_force(former: RuleSet, changed: RuleSet, day: date) -> tuple[str, ...]:
    """The ids of what is new or changed and does not hold on `day`: a replay says nothing of it."""
    new = _only_in(changed, former)
    rules = [rule.id for rule in new.rules if not rule.effective.holds(day)]
    return (*rules, *(one.id for one in new.scripts if not one.effective.holds(day)))


def _only_in(one: RuleSet, other: RuleSet) -> RuleSet:
    rules, scripts = set(other.rules), set(other.scripts)
    return replace(
        one,
        rules=tuple(rule for rule in one.rules if rule not in rules),
        scripts=tuple(script for script in one.scripts if script not in scripts),
    )


def _differing(one: RuleSet, other: RuleSet, day: date) -> Gate:
    """The rules of `one` that `other` does not have, scripts as ones whose lack is recorded."""
    differing = _only_in(one, other)
    scripts = tuple(replace(script, shadow=True) for script in differing.scripts)
    return Gate(replace(differing, scripts=scripts), lazy=True, today=lambda: day)


def _compared(
    text: PastText,
    conversation: str,
    before: Gate,
    after: Gate,
    turns: Sequence[Turn],
    language: Language,
) -> Iterator[Row]:
    was, now = (_hits(gate, text, turns, language) for gate in (before, after))
    for hit in now:
        match = _same(hit, was)
        if match is None:
            yield _row("new", hit, text, conversation)
        elif (match.level, match.action, match.trial) != (hit.level, hit.action, hit.trial):
            yield _row("altered", hit, text, conversation)
    for hit in was:
        if _same(hit, now) is None:
            yield _row("lost", hit, text, conversation)


def _hits(gate: Gate, text: PastText, turns: Sequence[Turn], language: Language) -> tuple[Hit, ...]:
    found = gate.screen(text.text, text.side, language=language, turns=turns)
    return (*found.hits, *found.shadow)


def _same(hit: Hit, others: Sequence[Hit]) -> Hit | None:
    for other in others:
        if other.rule == hit.rule and _meet(hit.start, hit.end, other.start, other.end):
            return other
    return None


def _meet(start: int, end: int, other_start: int, other_end: int) -> bool:
    if start == end or other_start == other_end:
        return start == end and other_start == other_end
    return start < other_end and other_start < end


def _row(what: What, hit: Hit, text: PastText, conversation: str) -> Row:
    begin = max(0, hit.start - _AROUND)
    judged = _verdict(hit, text.judged)
    return Row(
        what=what,
        rule=hit.rule,
        name=hit.name,
        level=hit.level,
        action=hit.action,
        side=text.side,
        source=text.source,
        conversation=conversation,
        message=text.message,
        draft=text.draft,
        at=text.at,
        excerpt=text.text[begin : hit.end + _AROUND],
        start=hit.start - begin,
        end=hit.end - begin,
        trial=hit.trial,
        verdict=judged,
        flips=_flip(what, judged),
    )


def _verdict(hit: Hit, judged: Sequence[Judged]) -> Verdict | Literal[""]:
    for one in reversed(judged):
        named = one.rule == hit.rule or (one.verdict == "missed" and not one.rule)
        if named and _meet(hit.start, hit.end, one.start, one.end):
            return one.verdict
    return ""


def _flip(what: What, verdict: Verdict | Literal[""]) -> Flip:
    if what == "altered" or not verdict:
        return ""
    bad = verdict == "false_alarm"
    return "better" if bad == (what == "lost") else "worse"
