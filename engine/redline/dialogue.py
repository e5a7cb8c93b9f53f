"""What a conversation as a whole says or leaves unsaid: scripts, and rules about turns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from engine.records import Role, Side, Turn
from engine.redline.matching import PhraseFinder
from engine.redline.normalise import fold
from engine.redline.schema import Dialogue, Rule, Saying, Script

_REMEMBERED = 12_000
_REMEMBERED_LENGTH = 500
_REMEMBERED_LONG = 16


class DialogueChecks:
    """The scripts and the whole-dialogue rules of one day, compiled; safe from any thread."""

    def __init__(self, scripts: Sequence[Script], rules: Sequence[Rule] = ()) -> None:
        self.scripts = tuple(scripts)
        self._finders: list[tuple[Role, PhraseFinder]] = []
        self._when = [self._add("customer", PhraseFinder.of_when(s.when)) for s in self.scripts]
        self._saying = [self._add("agent", satisfying(script)) for script in self.scripts]
        # A rule in force and its successor on trial have the same id.
        self._said: dict[tuple[str, bool], int] = {}
        self._unsaid: dict[tuple[str, bool], int] = {}
        for rule in rules:
            if rule.dialogue is not None and rule.dialogue.said is not None:
                self._said[rule.id, rule.shadow] = self._add_saying(rule.dialogue.said)
            if rule.dialogue is not None and rule.dialogue.unsaid is not None:
                self._unsaid[rule.id, rule.shadow] = self._add_saying(rule.dialogue.unsaid)
        # A long conversation is asked about again and again, at every key that is pressed.
        self._remembered = lru_cache(_REMEMBERED)(self._find)
        self._remembered_long = lru_cache(_REMEMBERED_LONG)(self._find)

    def forget_texts(self) -> None:
        """Keep no turn that was looked at."""
        self._remembered.cache_clear()
        self._remembered_long.cache_clear()

    def missing(self, folded: str, turns: Sequence[Turn]) -> list[Script]:
        """The scripts that a folded reply to `turns` must hold and does not."""
        if not self.scripts or not turns:
            return []
        said = [self._of(turn) for turn in turns]
        number = 1 + sum(turn.role == "agent" for turn in turns)
        return [
            script
            for place, script in enumerate(self.scripts)
            if self._is_due(place, script, turns, said, number)
            and not self._finders[self._saying[place]][1].found_in(folded)
        ]

    def holds(self, rule: Rule, side: Side, folded: str, turns: Sequence[Turn]) -> bool:
        """Whether what `rule` asks of the conversation is so, for a folded text written now."""
        dialogue: Dialogue | None = rule.dialogue
        if dialogue is None:
            return True
        role: Role = "customer" if side == "customer" else "agent"
        if dialogue.agent_turns is not None:
            number = (role == "agent") + sum(turn.role == "agent" for turn in turns)
            if not dialogue.agent_turns[0] <= number <= dialogue.agent_turns[1]:
                return False
        since = 0
        named = (rule.id, rule.shadow)
        if named in self._said:
            places = [p for p, turn in enumerate(turns) if self._says(turn, self._said[named])]
            if not places:
                return False
            since = places[-1] + 1
        if named not in self._unsaid:
            return True
        number = self._unsaid[named]
        if any(self._says(turn, number) for turn in turns[since:]):
            return False
        by, finder = self._finders[number]
        return by != role or not finder.found_in(folded)

    def _is_due(
        self,
        place: int,
        script: Script,
        turns: Sequence[Turn],
        said: Sequence[tuple[bool, ...]],
        number: int,
    ) -> bool:
        when, saying = self._when[place], self._saying[place]
        if script.by_turn is not None and number >= script.by_turn:
            return not any(says[saying] for says in said)
        for turn, says in zip(reversed(turns), reversed(said), strict=True):
            if turn.role == "agent" and says[saying]:
                return False
            if turn.role == "customer" and says[when]:
                return True
        return False

    def _add(self, role: Role, finder: PhraseFinder) -> int:
        self._finders.append((role, finder))
        return len(self._finders) - 1

    def _add_saying(self, saying: Saying) -> int:
        return self._add(saying.by, said_by(saying))

    def _says(self, turn: Turn, number: int) -> bool:
        return self._of(turn)[number]

    def _of(self, turn: Turn) -> tuple[bool, ...]:
        short = len(turn.text) <= _REMEMBERED_LENGTH
        return (self._remembered if short else self._remembered_long)(turn.role, turn.text)

    def _find(self, role: Role, text: str) -> tuple[bool, ...]:
        """For each finder, whether a turn of its role says it."""
        folded = fold(text).text
        return tuple(by == role and finder.found_in(folded) for by, finder in self._finders)


def satisfying(script: Script) -> PhraseFinder:
    """What says a script."""
    words = script.satisfied_by
    if not words and not script.satisfied_if:
        words = (script.text.zh, script.text.en)
    return PhraseFinder(words, script.satisfied_if)


def said_by(saying: Saying) -> PhraseFinder:
    """The finder for a saying."""
    return PhraseFinder(saying.words, saying.expressions, saying.none)


def example_turns(example: str) -> tuple[tuple[Turn, ...], str]:
    """An example of a whole dialogue: the turns before, and the text that is screened.

    Each line is a turn, `C:` a customer's and `A:` an agent's; the last one is screened. A line
    without either is a customer's, and as the last one it is screened as it stands.
    """
    turns: list[Turn] = []
    lines = example.splitlines()
    for line in lines[:-1]:
        turns.append(Turn("agent" if line.startswith("A:") else "customer", _said(line).strip()))
    last = lines[-1] if lines else ""
    return tuple(turns), _said(last).strip() if last != _said(last) else last


def _said(line: str) -> str:
    return line[2:] if line.startswith(("A:", "C:")) else line
