"""Guessing ahead: a grounded reply repeats its prompt, so what followed there may follow here.

The guesses are verified in one batch with the token before them; what is not confirmed is taken
back, so that the reply is the one that plain decoding gives (prompt look-up decoding after
Saxena 2023; the batch verification of Leviathan et al. 2023, with greedy choice).
"""

from __future__ import annotations

from collections.abc import Sequence

_GRAM = 2
_MOST = 12
_CANDIDATES = 8
_FADING = 0.05
_PROBE_EVERY = 48
_FIRST_TRIES = 8


class LookUp:
    """What followed the last tokens where they stood before, in the prompt or in the reply.

    Of several places the one is taken where most of what stands before is the same; the longer
    that is, the more is guessed.
    """

    def __init__(self, prompt: Sequence[int]) -> None:
        self._tokens = list(prompt)
        self._places: dict[tuple[int, ...], list[int]] = {}
        for place in range(_GRAM, len(self._tokens)):
            self._enter(place)

    def add(self, token: int) -> None:
        """The reply goes on with `token`."""
        self._tokens.append(token)
        # A gram is entered with the token behind it, or the end would only find itself.
        self._enter(len(self._tokens) - 1)

    def guess(self, room: int) -> list[int]:
        """The tokens that may come next, at most `room`; none where nothing is known."""
        best = alike = 0
        for place in self._places.get(tuple(self._tokens[-_GRAM:]), ())[-_CANDIDATES:]:
            length = self._alike(place)
            if length >= alike:
                best, alike = place, length
        return self._tokens[best : best + min(room, _MOST, 2 * alike)] if alike else []

    def _enter(self, place: int) -> None:
        gram = tuple(self._tokens[max(0, place - _GRAM) : place])
        self._places.setdefault(gram, []).append(place)

    def _alike(self, place: int) -> int:
        """How many tokens before `place` are those at the end."""
        length = 0
        while (
            length < _MOST
            and length < place
            and self._tokens[place - 1 - length] == (self._tokens[-1 - length])
        ):
            length += 1
        return length


class Pays:
    """Whether a way of decoding is worth it, from the seconds a token took with and without it.

    Both are tried at first, and the worse one again now and then, for texts differ.
    """

    def __init__(self) -> None:
        # Sums that fade: a step that brings five tokens counts for five.
        self._seconds = [0.0, 0.0]
        self._tokens = [0.0, 0.0]
        self._tries = [0, 0]
        self._since = 0

    def now(self) -> bool:
        """Whether to do it this time."""
        for way in (True, False):
            if self._tries[way] < _FIRST_TRIES:
                return way
        better = self._each(True) < self._each(False)
        self._since += 1
        if self._since >= _PROBE_EVERY:
            self._since = 0
            return not better
        return better

    def measured(self, way: bool, tokens: int, seconds: float) -> None:
        """Done or not (`way`), `tokens` took `seconds`."""
        self._tries[way] += 1
        self._seconds[way] = seconds + (1 - _FADING) * self._seconds[way]
        self._tokens[way] = tokens + (1 - _FADING) * self._tokens[way]

    def _each(self, way: bool) -> float:
        return self._seconds[way] / max(1.0, self._tokens[way])
