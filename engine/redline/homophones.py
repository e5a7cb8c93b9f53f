"""Characters in place of others of the same sound (蜜码 for 密码), resolved by their neighbours.

A character is taken for one of a rule's when together with its neighbour it sounds like a pair of
the rules, the neighbour is that pair's own, and the two are no pair of ordinary talk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.redline.characters import characters, ordinary_pairs, to_codes

_MOST = 1 << 16


class _Ways(dict[str, str]):
    """A character and a syllable's code, or these turned round → the characters it may be.

    They are looked for when first asked about, and kept for the latest tens of thousands.
    """

    def __init__(self, beside: dict[str, str], own: int) -> None:
        """`beside`: what stands beside a character in pairs; `own`: its place in a key."""
        super().__init__()
        self._beside = beside
        self._own = own
        self._readings = characters().readings

    def __missing__(self, key: str) -> str:
        code = key[1 - self._own]
        readings = self._readings
        ways = "".join(
            one * readings.get(one, "").count(code) for one in self._beside.get(key[self._own], "")
        )
        if len(self) >= _MOST:
            self.clear()
        self[key] = ways
        return ways


class Homophones:
    """The homophones of the pairs of characters of some rules."""

    def __init__(self, pairs: Iterable[str]) -> None:
        """`pairs`: two characters each, as they stand in wordings and expressions."""
        self._ordinary = ordinary_pairs()
        self._pairs = frozenset(pairs)
        following: dict[str, str] = {}
        leading: dict[str, str] = {}
        for pair in sorted(self._pairs):
            first, second = pair[0], pair[1]
            following[first] = following.get(first, "") + second
            leading[second] = leading.get(second, "") + first
        self._after = _Ways(following, 0)
        self._before = _Ways(leading, 1)

    def suspects(self, first: str, second: str) -> bool:
        """Whether one of two characters side by side may stand for another, by the other one."""
        if not ("\u3400" <= first <= "\ue7ff" and "\u3400" <= second <= "\ue7ff"):
            return False
        pair = first + second
        if pair in self._ordinary or pair in self._pairs:
            return False
        codes = to_codes(pair)
        after = self._after[first + codes[1]]
        before = self._before[codes[0] + second]
        return bool(
            (after and second < "\ue000" and second not in after)
            or (before and first < "\ue000" and first not in before)
        )

    def corrections(self, text: str, codes: str, places: Sequence[int]) -> dict[int, str]:
        """The places of `text` where another character is meant, and that character.

        `codes`: the text in syllable codes. `places`: those of all suspected pairs, ascending.
        """
        found: dict[int, str] = {}
        for place in places:
            # What is corrected may help to correct what stands next to it.
            at = place
            while self._forward(text, codes, found, at):
                at += 1
        for place in reversed(places):
            at = place
            while at >= 0 and self._backward(text, codes, found, at):
                at -= 1
        return found

    def _forward(self, text: str, codes: str, found: dict[int, str], place: int) -> bool:
        """Whether the second character of the pair at `place` is resolved by the first."""
        second = place + 1
        if second >= len(text) or second in found:
            return False
        ways = self._after[found.get(place, text[place]) + codes[second]]
        if not ways or not self._may(text, place, second, ways):
            return False
        if len(ways) == 1:
            found[second] = ways
            return True
        follows = text[second + 1 : second + 2]
        found[second] = next((one for one in ways if one + follows in self._pairs), ways[0])
        return True

    def _backward(self, text: str, codes: str, found: dict[int, str], place: int) -> bool:
        """Whether the first character of the pair at `place` is resolved by the second."""
        if place in found:
            return False
        ways = self._before[codes[place] + found.get(place + 1, text[place + 1])]
        if not ways or not self._may(text, place, place, ways):
            return False
        if len(ways) == 1:
            found[place] = ways
            return True
        leads = text[place - 1] if place else ""
        found[place] = next((one for one in ways if leads + one in self._pairs), ways[0])
        return True

    def _may(self, text: str, pair: int, place: int, ways: str) -> bool:
        """Whether the character at `place` may stand for one of `ways`, in the pair at `pair`."""
        return (
            text[place] not in ways
            and "\u3400" <= text[place] < "\ue000"
            and text[pair : pair + 2] not in self._ordinary
        )
