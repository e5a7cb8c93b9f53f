"""Characters put in place of others of the same sound (蜜码 for 密码), heard by what stands beside.

A character is taken for one of a rule's when together with its neighbour it sounds like a pair of
the rules, the neighbour is that pair's own, and the two are no pair of ordinary talk.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.redline.characters import characters, ordinary_pairs, sounded

_Heard = dict[str, str]


class Hearing:
    """Hears the pairs of characters of some rules."""

    def __init__(self, pairs: Iterable[str]) -> None:
        """`pairs`: two characters each, as they stand in wordings and expressions."""
        readings = characters().readings
        self._pairs = frozenset(pairs)
        self._after: _Heard = {}
        self._before: _Heard = {}
        for pair in sorted(self._pairs):
            first, second = pair[0], pair[1]
            for code in readings.get(second, ""):
                self._after[first + code] = self._after.get(first + code, "") + second
            for code in readings.get(first, ""):
                self._before[code + second] = self._before.get(code + second, "") + first

    def repaired(self, text: str) -> dict[int, str]:
        """The places of `text` where another character is heard, and that character."""
        sounds = sounded(text)
        after = map(str.__add__, text, sounds[1:])
        before = map(str.__add__, sounds, text[1:])
        places = [place for place, pair in enumerate(after) if pair in self._after]
        places += [place for place, pair in enumerate(before) if pair in self._before]
        ordinary = ordinary_pairs()
        for place in places:
            pair = text[place : place + 2]
            if pair not in self._pairs and pair not in ordinary:
                return self._chained(text, sounds)
        return {}

    def _chained(self, text: str, sounds: str) -> dict[int, str]:
        """All that is heard, forwards and then backwards; what was repaired helps to hear more."""
        now = list(text)
        found: dict[int, str] = {}
        last = len(text) - 1
        for place in range(last):
            ways = self._after.get(now[place] + sounds[place + 1])
            if ways and self._may(text, now, place, place + 1, ways):
                follows = text[place + 2] if place + 2 <= last else ""
                best = next((one for one in ways if one + follows in self._pairs), ways[0])
                found[place + 1] = now[place + 1] = best
        for place in range(last - 1, -1, -1):
            ways = self._before.get(sounds[place] + now[place + 1])
            if ways and self._may(text, now, place, place, ways):
                leads = now[place - 1] if place else ""
                best = next((one for one in ways if leads + one in self._pairs), ways[0])
                found[place] = now[place] = best
        return found

    def _may(self, text: str, now: list[str], pair: int, place: int, ways: str) -> bool:
        return (
            now[place] not in ways
            and now[place] == text[place]
            and "\u3400" <= text[place] < "\ue000"
            and text[pair : pair + 2] not in ordinary_pairs()
        )
