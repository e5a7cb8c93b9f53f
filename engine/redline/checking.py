"""What keeps a rule or a script from loading: its schema's sense, and its own examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from engine.records import Language
from engine.redline.dialogue import DialogueChecks, example_turns, satisfying
from engine.redline.matching import Matcher, PhraseFinder, compile_expression
from engine.redline.normalise import CLAUSE_ENDS, fold
from engine.redline.packs import PackError, Source, Step
from engine.redline.schema import ACTIONS, STRENGTH, Match, Rule, Saying, Script
from engine.redline.schema_words import schema_words
from engine.texts import Both, text

COMPANY = "company"
"""The file of a problem with a company's own rule, which stands in the database instead."""
MAX_MEMORY = 3 << 20
"""Bytes that an expression of a rule may take: the largest one that ships takes a thirtieth."""


class Problem(Struct, frozen=True):
    """One thing that keeps a pack from loading; `rule` and `example` may be empty, `line` 0.

    Lines count within `file`, or within the rule where that is `COMPANY`. `message` is in English;
    `code` and `values` say the same in any language.
    """

    file: str
    rule: str
    example: str
    message: str
    line: int = 0
    code: str = ""
    values: Mapping[str, str] = {}

    def told(self, language: Language) -> str:
        """What is wrong, in `language`, without where."""
        values = dict(self.values)
        if self.code == "schema":
            values["why"] = schema_words(values["why"], language)
        if values.get("other") == COMPANY:
            values["other"] = text("redline.place.company", language)
        return text(f"redline.problem.{self.code}", language, **values)

    def where(self, language: Language) -> str:
        """Where it is, in `language`: file, line and rule, as far as there are any."""
        if self.file == COMPANY:
            kind = "line" if self.rule and self.line else "rule" if self.rule else "company"
            return text(f"redline.place.{kind}", language, rule=self.rule, line=self.line)
        file = f"{self.file}:{self.line}" if self.line else self.file
        return ", ".join(part for part in (file, self.rule) if part)

    def in_words(self, language: Language = "en") -> str:
        """The problem in one line."""
        where = self.where(language)
        example = f": {self.example[:80]!r}" if self.example else ""
        return f"{where}: {self.told(language)}{example}" if where else self.told(language)


def problem_of(
    file: str,
    code: str,
    *,
    rule: str = "",
    example: str = "",
    line: int = 0,
    values: Mapping[str, object] | None = None,
) -> Problem:
    """The problem of this code, its words filled with `values`."""
    said = {name: str(value) for name, value in (values or {}).items()}
    message = text(f"redline.problem.{code}", "en", **said)
    return Problem(file, rule, example, message, line, code, said)


def unreadable(file: str, error: PackError, rule: str = "") -> Problem:
    """The problem of a text that is no pack, rule or script at all."""
    return problem_of(file, error.code, rule=rule, line=error.line, values=error.values)


class Example(Struct, frozen=True):
    """An example (number `number` of its kind, from 0), whether it does what it should, and where
    it is hit."""

    kind: Literal["hit", "miss"]
    number: int
    text: str
    holds: bool
    spans: tuple[tuple[int, int], ...] = ()


class At(Struct, frozen=True):
    """Where a rule or script stands: its file, and the way to it there."""

    source: Source
    identity: str
    path: tuple[Step, ...]

    def problem(
        self, code: str, *inside: Step, value: str = "", example: str = "", **values: object
    ) -> Problem:
        """A problem with it, in the line of what stands `inside` it and reads `value`."""
        line = self.source.places.line((*self.path, *inside), value or example)
        file = self.source.file
        return problem_of(file, code, rule=self.identity, example=example, line=line, values=values)


def rule_problems(at: At, rule: Rule) -> Iterator[Problem]:
    """All that is wrong with a rule, whose contexts are put in: its sense, else its examples."""
    found = list(sense_problems(at, rule))
    yield from found
    if not found:
        yield from failing(at, tried(rule))


def failing(at: At, examples: Iterable[Example]) -> Iterator[Problem]:
    """The problems of the examples that do not what they should."""
    for one in examples:
        if not one.holds:
            kind = f"must_{one.kind}"
            yield at.problem(f"{kind}_fails", kind, example=one.text)


def sense_problems(at: At, rule: Rule) -> Iterator[Problem]:
    """What makes no sense in a rule, whatever its examples do."""
    match = rule.match
    if not rule.matches and rule.dialogue is None:
        yield at.problem("matches_nothing")
    if not rule.sides:
        yield at.problem("no_side", "side")
    if not rule.languages:
        yield at.problem("no_language", "languages")
    if rule.action not in ACTIONS[rule.level]:
        allowed = ", ".join(sorted(ACTIONS[rule.level]))
        values = {"level": rule.level, "action": rule.action, "allowed": allowed}
        yield at.problem("action_of_level", "action", **values)
    if rule.action == "mask" and rule.rewrite is not None and "model" in rule.sides:
        yield at.problem("model_rewrite", "rewrite")
    if rule.before_storage and (rule.action != "mask" or rule.sides != ("customer",)):
        yield at.problem("storage_side", "before_storage")
    if (
        rule.effective.since
        and rule.effective.until
        and rule.effective.since > rule.effective.until
    ):
        yield at.problem("ends_before", "effective")
    if len(rule.must_hit) < 1 or len(rule.must_miss) < 1:
        yield at.problem("no_examples")
    if match.all and (len(match.all) < 2 or not all(match.all)):
        yield at.problem("few_groups", "match", "all")
    yield from _wording_problems(at, match)
    for part in ("expressions", "none_before", "none_after", "none_around"):
        for expression in getattr(match, part):
            yield from expression_problems(at, expression)
    if rule.dialogue is not None:
        yield from _dialogue_problems(at, rule)


def _dialogue_problems(at: At, rule: Rule) -> Iterator[Problem]:
    dialogue = rule.dialogue
    assert dialogue is not None
    if "model" in rule.sides or len(rule.sides) != 1:
        yield at.problem("dialogue_side", "side")
    if not rule.matches and rule.action not in ("log", "hint"):
        yield at.problem("dialogue_action", "action")
    if dialogue.agent_turns is None and dialogue.said is None and dialogue.unsaid is None:
        yield at.problem("dialogue_empty", "dialogue")
    turns = dialogue.agent_turns
    if turns is not None and turns[0] > turns[1]:
        yield at.problem("turns_reversed", "dialogue", "agent_turns")
    for saying in (dialogue.said, dialogue.unsaid):
        yield from _saying_problems(at, saying)


def _saying_problems(at: At, saying: Saying | None) -> Iterator[Problem]:
    if saying is None:
        return
    if not (saying.words or saying.expressions):
        yield at.problem("saying_empty", "dialogue")
    for expression in saying.expressions:
        yield from expression_problems(at, expression)


def _wording_problems(at: At, match: Match) -> Iterator[Problem]:
    for word in (*match.words, *match.none, *(w for group in match.all for w in group)):
        folded = fold(word).text.strip()
        if not folded or not any(character.isalnum() for character in folded):
            yield at.problem("wording_empty", "match", example=word)
        elif not CLAUSE_ENDS.isdisjoint(folded):
            yield at.problem("wording_clause", "match", example=word)


def expression_problems(at: At, expression: str) -> Iterator[Problem]:
    """What is wrong with an RE2 expression."""
    import re2

    try:
        compiled = compile_expression(expression, MAX_MEMORY)
    except re2.error as error:
        reason = error.args[0] if error.args else "not RE2"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        yield at.problem("expression", example=expression, reason=reason)
        return
    if compiled.search("") is not None:
        yield at.problem("expression_empty", example=expression)


def tried(rule: Rule) -> Iterator[Example]:
    """The examples of a rule whose sense is sound, each tried."""
    alone = _Alone(rule)
    for number, example in enumerate(rule.must_hit):
        spans = alone.spans(example)
        yield Example("hit", number, example, bool(spans), spans)
    for number, example in enumerate(rule.must_miss):
        spans = alone.spans(example)
        yield Example("miss", number, example, not spans, spans)


def due(script: Script) -> Iterator[Example]:
    """The examples of a script, each tried: when it is to be said."""
    finder = PhraseFinder.of_when(script.when)
    for number, example in enumerate(script.must_hit):
        yield Example("hit", number, example, finder.found_in(fold(example).text))
    for number, example in enumerate(script.must_miss):
        yield Example("miss", number, example, not finder.found_in(fold(example).text))


class _Alone:
    """One sound rule by itself, whatever its dates, to be tried on its examples."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._matcher = Matcher([rule])
        self._dialogue = DialogueChecks((), (rule,))

    def spans(self, example: str) -> tuple[tuple[int, int], ...]:
        """Where it hits an example, in its last turn; the empty span for a hit of a dialogue."""
        rule = self._rule
        turns, said = example_turns(example) if rule.dialogue else ((), example)
        folded = fold(said)
        spans = [(0, 0)]
        if rule.matches:
            found = self._matcher.find(folded.text)
            spans = [folded.span(one.start, one.end) for one in found if not one.vetoed]
        if not spans or not self._dialogue.holds(rule, rule.sides[0], folded.text, turns):
            return ()
        before = len(example) - len(said)
        return tuple((start + before, end + before) for start, end in spans)


def script_problems(at: At, script: Script) -> Iterator[Problem]:
    """All that is wrong with a script."""
    when = script.when
    if not (when.words or when.expressions) and script.by_turn is None:
        yield at.problem("script_never")
        return
    expressions = (*when.expressions, *script.satisfied_if)
    bad = [problem for e in expressions for problem in expression_problems(at, e)]
    if bad:
        yield from bad
        return
    yield from failing(at, due(script))
    said = satisfying(script)
    for words in (script.text.zh, script.text.en):
        if not said.found_in(fold(words).text):
            yield at.problem("script_unsatisfied", "text", example=words)


def own_words(
    rules: Sequence[tuple[At, Rule]], said: Sequence[tuple[At, Both]]
) -> Iterator[Problem]:
    """Scripts and rewrites that the agents' own rules would keep back.

    It is told of the rule where what is said stands in a pack that was checked before.
    """
    if not said or not rules:
        return
    where = {rule.id: at for at, rule in rules}
    matcher = Matcher([rule for _, rule in rules if "agent" in rule.sides], "agent")
    for at, both in said:
        for words in (both.zh, both.en):
            for found in matcher.find(fold(words).text):
                if found.vetoed or STRENGTH[found.rule.action] < STRENGTH["mask"]:
                    continue
                if at.source.checked:
                    keeps = {"said": at.identity, "words": words}
                    yield where[found.rule.id].problem("keeps_back", **keeps)
                else:
                    yield at.problem("own_words", example=words, broken=found.rule.id)
