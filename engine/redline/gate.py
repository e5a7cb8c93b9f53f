"""The gate that every text passes: what the customer wrote, what a model or an agent would send.

A gate that fails raises `RuleError`; whoever asked then treats the text as blocked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import lru_cache

from engine.errors import RuleError
from engine.records import Action, Hit, Language, Role, Screening, Side, Turn
from engine.redline.matching import Matcher, PhraseFinder
from engine.redline.normalise import fold
from engine.redline.schema import STRENGTH, Rule, RuleSet
from engine.texts import Both, text

HITS_PER_RULE = 200
_REMEMBERED = 12_000
_REMEMBERED_LENGTH = 500
STOPPING: frozenset[Action] = frozenset(("block", "handover"))


class Gate:
    """One rule set; screening is pure and may be called from any thread.

    The rules are compiled at once, or with ``lazy`` when `make_ready` is called or a side is first
    asked about; until then nothing passes either, because whoever asks waits.
    """

    def __init__(self, rule_set: RuleSet, *, lazy: bool = False) -> None:
        self.rule_set = rule_set
        self._rules = {rule.id: rule for rule in rule_set.rules}
        self._matchers: dict[Side, Matcher] = {}
        self._due: list[tuple[PhraseFinder, PhraseFinder]] | None = None
        self._compiling = threading.RLock()
        # A long conversation is asked about again and again, at every key that is pressed.
        self._calls = lru_cache(_REMEMBERED)(self._find_calls)
        if not lazy:
            self.make_ready("customer", "model", "agent")

    def make_ready(self, *sides: Side) -> None:
        """Compile the rules of `sides`, and the scripts, now."""
        for side in sides:
            self.matcher(side)
        self._scripts()

    @property
    def version(self) -> str:
        """The short hash of the rule set."""
        return self.rule_set.version

    def matcher(self, side: Side) -> Matcher:
        """The compiled rules of one side."""
        found = self._matchers.get(side)
        if found is None:
            with self._compiling:
                found = self._matchers.get(side)
                if found is None:
                    rules = [rule for rule in self.rule_set.rules if side in rule.sides]
                    found = self._matchers[side] = Matcher(rules)
        return found

    def screen(
        self, text: str, side: Side, *, language: Language = "zh", turns: Sequence[Turn] = ()
    ) -> Screening:
        """All hits of `side`'s rules in `text`, the strongest action, and the scripts.

        For a reply (`model`, `agent`) the scripts are the mandatory ones that the conversation
        `turns` call for, that no agent has said since, and that `text` lacks; for a `customer` it
        is the script of the hand-over.
        Names and advice are in `language`. Raises `RuleError` when the rules cannot be applied.
        """
        try:
            return self._screen(text, side, language, turns)
        except RuleError:
            raise
        except Exception as error:
            raise RuleError(
                f"the red-line rules could not be applied ({type(error).__name__})",
                code="rules_failed",
                kind=type(error).__name__,
            ) from error

    def handover(self, screening: Screening, language: Language) -> tuple[str, str] | None:
        """Category and script of the gravest hand-over in `screening`, or `None` without one."""
        grave = [hit for hit in screening.hits if hit.action == "handover"]
        if not grave:
            return None
        hit = min(grave, key=lambda hit: (-int(hit.level[1:]), hit.start))
        rule = self._rules.get(hit.rule)
        if rule is not None and rule.script is not None:
            return hit.category, _in(rule.script, language)
        return hit.category, text("redline.handover.script", language)

    def _screen(
        self, text: str, side: Side, language: Language, turns: Sequence[Turn]
    ) -> Screening:
        folded = fold(text)
        counts: dict[str, int] = {}
        hits: list[Hit] = []
        for found in self.matcher(side).find(folded.text, HITS_PER_RULE):
            rule = found.rule
            if found.vetoed or language not in rule.languages:
                continue
            counts[rule.id] = counts.get(rule.id, 0) + 1
            if counts[rule.id] > HITS_PER_RULE and rule.action != "mask":
                continue
            start, end = folded.span(found.start, found.end)
            hits.append(hit_of(rule, text, start, end, side, language))
        hits.sort(key=lambda hit: (hit.start, -hit.end, hit.rule))
        action = strongest(hit.action for hit in hits)
        bare = Screening(hits=tuple(hits), action=action)
        if side == "customer":
            due = self.handover(bare, spoken(text, language))
            scripts: tuple[str, ...] = (due[1],) if due else ()
        else:
            scripts = self._missing(text, folded.text, language, turns)
        return Screening(hits=bare.hits, action=action, scripts=scripts)

    def _missing(
        self, reply: str, folded: str, language: Language, turns: Sequence[Turn]
    ) -> tuple[str, ...]:
        if not self.rule_set.scripts or not turns:
            return ()
        said = [self._calls_of(turn) for turn in turns]
        return tuple(
            _in(script.text, spoken(reply, language))
            for number, (script, (_, saying)) in enumerate(
                zip(self.rule_set.scripts, self._scripts(), strict=True)
            )
            if _is_due(said, number) and not saying.found_in(folded)
        )

    def _calls_of(self, turn: Turn) -> tuple[Role, tuple[bool, ...]]:
        short = len(turn.text) <= _REMEMBERED_LENGTH
        calls = self._calls if short else self._find_calls
        return turn.role, calls(turn.role, turn.text)

    def _find_calls(self, role: Role, text: str) -> tuple[bool, ...]:
        """For each script, whether a customer's text calls for it, or an agent's text says it."""
        folded = fold(text).text
        return tuple(
            (saying if role == "agent" else when).found_in(folded)
            for when, saying in self._scripts()
        )

    def _scripts(self) -> list[tuple[PhraseFinder, PhraseFinder]]:
        """For each script: when it is due, and what says it."""
        with self._compiling:
            if self._due is None:
                self._due = [
                    (
                        PhraseFinder.of_when(script.when),
                        PhraseFinder(words=script.satisfied_by or (script.text.zh, script.text.en)),
                    )
                    for script in self.rule_set.scripts
                ]
            return self._due


def _is_due(said: Sequence[tuple[Role, tuple[bool, ...]]], script: int) -> bool:
    """Whether a customer called for a script and no agent has said it since."""
    for role, calls in reversed(said):
        if calls[script] and role in ("agent", "customer"):
            return role == "customer"
    return False


def strongest(actions: Iterable[Action]) -> Action:
    """The strongest of some actions; ``none`` of none."""
    best: Action = "none"
    for action in actions:
        if STRENGTH[action] > STRENGTH[best]:
            best = action
    return best


def hit_of(rule: Rule, text: str, start: int, end: int, side: Side, language: Language) -> Hit:
    """The hit of `rule` at ``text[start:end]``, with its words for people in `language`."""
    return Hit(
        rule=rule.id,
        category=rule.category,
        level=rule.level,
        action=rule.action,
        start=start,
        end=end,
        text=text[start:end],
        side=side,
        name=_in(rule.name, language),
        why=_in(rule.why, language),
        advice=_in(rule.advice, language),
    )


def masked(text: str, screening: Screening) -> str:
    """`text` with every hit of a masking rule starred out, character for character.

    Of a number with eleven characters and more the first three and last four stay readable.
    """
    return mask_spans(text, [(h.start, h.end) for h in screening.hits if h.action == "mask"])


def mask_spans(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """`text` with the spans starred out; its length stays the same."""
    if not spans:
        return text
    characters = list(text)
    for start, end in spans:
        inner = (start + 3, end - 4) if end - start >= 11 else (start, end)
        for place in range(*inner):
            if not characters[place].isspace():
                characters[place] = "*"
    return "".join(characters)


def spoken(text: str, language: Language) -> Language:
    """The language to answer `text` in: Chinese where it holds Han characters, English where it
    holds Latin letters only, else `language`."""
    if any("\u3400" <= character <= "\u9fff" for character in text[:2000]):
        return "zh"
    if sum(character.isascii() and character.isalpha() for character in text[:2000]) >= 8:
        return "en"
    return language


def _in(both: Both, language: Language) -> str:
    return both.zh if language == "zh" else both.en
