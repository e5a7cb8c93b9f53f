"""The gate that every text passes: what the customer wrote, what a model or an agent would send.

A gate that fails raises `RuleError`; whoever asked then treats the text as blocked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.errors import RuleError
from engine.records import Action, Hit, Language, Screening, Side, Turn
from engine.redline.characters import forget_letters
from engine.redline.day_rules import DayRules
from engine.redline.normalise import fold
from engine.redline.schema import OVERRIDES, STRENGTH, Override, Rule, RuleSet, Script
from engine.texts import text

if TYPE_CHECKING:
    from engine.redline.matching import Matcher

HITS_PER_RULE = 200
SCRIPT = "script"
STOPPING: frozenset[Action] = frozenset(("block", "handover"))


class Gate:
    """One rule set; screening is pure and may be called from any thread.

    The rules in force are those of the day that `today` gives, so that a gate which stands for
    weeks follows their dates. They are compiled at once, or with ``lazy`` when `make_ready` is
    called or a side is first asked about; until then nothing passes either, because whoever asks
    waits.
    """

    def __init__(
        self,
        rule_set: RuleSet,
        *,
        lazy: bool = False,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._today = today
        self._turning = threading.Lock()
        self._day_rules = DayRules(rule_set, today())
        if not lazy:
            self.make_ready("customer", "model", "agent")

    def make_ready(self, *sides: Side) -> None:
        """Compile the rules of `sides`, and the scripts, now."""
        self._in_force().make_ready(*sides)

    def made_ready(self, rule_set: RuleSet) -> DayRules:
        """Another rule set, compiled as far as this gate's own is; `take` puts it into force."""
        day_rules = DayRules(rule_set, self._today())
        day_rules.make_ready(*self._day_rules.compiled)
        return day_rules

    @property
    def current(self) -> DayRules:
        """What it screens by."""
        return self._day_rules

    def take(self, day_rules: DayRules) -> None:
        """Screen by `day_rules` from now on; what is being screened ends as it began."""
        with self._turning:
            self._day_rules = day_rules

    def forget_texts(self) -> None:
        """Keep nothing of what was screened: a customer's data was deleted."""
        self._day_rules.forget_texts()
        forget_letters()

    @property
    def rule_set(self) -> RuleSet:
        """The rules that were given last."""
        return self._day_rules.rule_set

    @property
    def version(self) -> str:
        """The short hash of the rule set."""
        return self.rule_set.version

    def matcher(self, side: Side) -> Matcher:
        """The compiled rules of one side that act today."""
        return self._in_force().live(side)

    def screen(
        self, text: str, side: Side, *, language: Language = "zh", turns: Sequence[Turn] = ()
    ) -> Screening:
        """All hits of `side`'s rules in `text`, the strongest action, and the scripts.

        For a reply (`model`, `agent`) the scripts are the mandatory ones that the conversation
        `turns` call for, that no agent has said since, and that `text` lacks; for a `customer` it
        is the script of the hand-over. What rules on trial find is apart, in `shadow`.
        Names and advice are in `language`. Raises `RuleError` when the rules cannot be applied.
        """
        try:
            return self._screen(text, side, language, turns)
        except RuleError:
            raise
        except Exception as error:
            raise _failed(error) from error

    def handover(self, screening: Screening, language: Language) -> tuple[str, str] | None:
        """Category and script of the gravest hand-over in `screening`, or `None` without one."""
        hit = self.gravest(screening)
        return (hit.category, self.script_of(hit, language)) if hit is not None else None

    def script_of(self, hit: Hit, language: Language) -> str:
        """What the customer is told where `hit` hands over."""
        rule = self._in_force().by_id.get(hit.rule)
        if rule is not None and rule.script is not None:
            return rule.script.of(language)
        return text("redline.handover.script", language)

    def gravest(self, screening: Screening) -> Hit | None:
        """The hit that the hand-over in `screening` is for. A rule that knows the wording says
        better what happened than one that asks the classifier."""
        rules = self._in_force().by_id

        def order(hit: Hit) -> tuple[int, bool, int]:
            rule = rules.get(hit.rule)
            return -int(hit.level[1:]), rule is None or rule.match.heard is not None, hit.start

        grave = [hit for hit in screening.hits if hit.action == "handover"]
        return min(grave, key=order, default=None)

    def for_storage(self, message: str) -> str:
        """A customer's `message` as it may be stored: what rules keep out of storage is masked.

        Its length stays the same. Raises `RuleError` when the rules cannot be applied.
        """
        try:
            matcher = self._in_force().storage()
            if matcher is None:
                return message
            folded = fold(message)
            found = [one for one in matcher.find(folded.text) if not one.vetoed]
            return mask_spans(message, [folded.span(one.start, one.end) for one in found])
        except Exception as error:
            raise _failed(error) from error

    def _in_force(self) -> DayRules:
        day = self._today()
        if day != self._day_rules.day:
            with self._turning:
                if not self._day_rules.same_as(self.rule_set, day):
                    self._day_rules = DayRules(self.rule_set, day)
                self._day_rules.day = day
        return self._day_rules

    def _screen(
        self, text: str, side: Side, language: Language, turns: Sequence[Turn]
    ) -> Screening:
        day_rules = self._in_force()
        folded = fold(text)
        hits: list[Hit] = []
        trial: list[Hit] = []
        for matcher, into in ((day_rules.live(side), hits), (day_rules.shadow(side), trial)):
            if matcher is None:
                continue
            counts: dict[str, int] = {}
            for found in matcher.find(folded.text, HITS_PER_RULE):
                rule = found.rule
                if found.vetoed or not _concerns(rule, text, language):
                    continue
                if rule.dialogue and not day_rules.dialogue().holds(rule, side, folded.text, turns):
                    continue
                counts[rule.id] = counts.get(rule.id, 0) + 1
                # Whoever complains in ten sentences complains once.
                most = HITS_PER_RULE if rule.match.heard is None else 1
                if counts[rule.id] > most and rule.action != "mask":
                    continue
                start, end = folded.span(found.start, found.end)
                if into and into[-1].rule == rule.id and start < into[-1].end:
                    # 起诉你 and 法院起诉 are one thing that was said.
                    start, end = into[-1].start, max(end, into.pop().end)
                    counts[rule.id] -= 1
                into.append(hit_of(rule, text, start, end, side, language))
        for rule in day_rules.about_turns(side):
            if _concerns(rule, text, language) and day_rules.dialogue().holds(
                rule, side, folded.text, turns
            ):
                into = trial if rule.shadow else hits
                into.append(hit_of(rule, text, 0, 0, side, language))
        hits.sort(key=lambda hit: (hit.start, -hit.end, hit.rule))
        action = strongest(hit.action for hit in hits)
        scripts: tuple[str, ...] = ()
        if side == "customer":
            due = self.handover(Screening(tuple(hits), action), spoken(text, language))
            scripts = (due[1],) if due else ()
        else:
            missing = day_rules.dialogue().missing(folded.text, turns)
            own = spoken(text, language)
            scripts = tuple(script.text.of(own) for script in missing if not script.shadow)
            trial += [_left_out(script, side, language) for script in missing if script.shadow]
        return Screening(tuple(hits), action, scripts, tuple(trial))


def override_of(screening: Screening) -> Override:
    """Who may let a screened text pass as it is: the strictest answer of the hits that stop it."""
    order: tuple[Override, ...] = ("free", "told", "approved", "never")
    stopping = [OVERRIDES[hit.level] for hit in screening.hits if hit.action in STOPPING]
    return max(stopping, key=order.index, default="free")


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
        name=rule.name.of(language),
        why=rule.why.of(language),
        advice=rule.advice.of(language),
        rewrite=rule.rewrite.of(language) if rule.rewrite else "",
        trial=rule.shadow,
    )


def _concerns(rule: Rule, text: str, language: Language) -> bool:
    """Whether a rule is for the person's language or for that of the text: who chooses another
    language to be spoken to in is not free of the rules."""
    return language in rule.languages or spoken(text, language) in rule.languages


def _left_out(script: Script, side: Side, language: Language) -> Hit:
    """The record of a script on trial that a reply should have held."""
    name = script.name.of(language)
    return Hit(script.id, SCRIPT, "L0", "log", 0, 0, "", side, name, trial=True)


def _failed(error: Exception) -> RuleError:
    return RuleError(
        f"the red-line rules could not be applied ({type(error).__name__})",
        code="rules_failed",
        kind=type(error).__name__,
    )


def masked(text: str, screening: Screening) -> str:
    """`text` with every hit of a masking rule starred out, character for character.

    Of a number with eleven characters and more the first three and last four stay readable. A rule
    that has a `rewrite` puts it in the hit's place instead.
    """
    masks = [hit for hit in screening.hits if hit.action == "mask"]
    stars = mask_spans(text, [(hit.start, hit.end) for hit in masks if not hit.rewrite])
    for hit in _rewritten(screening):
        stars = stars[: hit.start] + hit.rewrite + stars[hit.end :]
    return stars


def placed_in_masked(hits: Sequence[Hit], screening: Screening) -> tuple[Hit, ...]:
    """`hits` in a screened text where they stand in what `masked` makes of it."""
    rewritten = _rewritten(screening)
    if not rewritten:
        return tuple(hits)

    def place(at: int, *, end: bool) -> int:
        for one in rewritten:
            if one.start < at < one.end:
                at = one.end if end else one.start
        return at + sum(len(o.rewrite) - (o.end - o.start) for o in rewritten if o.end <= at)

    return tuple(
        replace(hit, start=place(hit.start, end=False), end=place(hit.end, end=True))
        for hit in hits
    )


def _rewritten(screening: Screening) -> list[Hit]:
    """The hits that `masked` writes anew, the last one first; of two that overlap the later one."""
    found: list[Hit] = []
    wanted = [hit for hit in screening.hits if hit.action == "mask" and hit.rewrite]
    for hit in sorted(wanted, key=lambda hit: -hit.start):
        if not found or hit.end <= found[-1].start:
            found.append(hit)
    return found


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
