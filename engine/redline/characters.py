"""What characters sound like, are made of and look like: the tables of ``assets/characters``.

A syllable stands for itself in a text as one code, a character of the private use area; folding
drops those, so that no code ever comes from a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import Struct

from engine.paths import CHARACTERS

_FIRST_CODE = 0xE000
_MERGED = {"lv": "lu", "nv": "nu", "lve": "lue", "nve": "nue"}  # "ü" folds to "u"
_LONGEST = 6
_SHORT = 16
_BETWEEN = "'12345"
_NONE = 1 << 60
_PART = 1 << 14
_Finding = Callable[..., list[tuple[int, int, int]]]
NUMERALS = dict(zip("零一二三四五六七八九幺", "01234567891", strict=True))


class Syllable(Struct, frozen=True, gc=False):
    """A syllable's `code`, and where it stands in the letters it was read from."""

    code: str
    start: int
    end: int


class Characters(Struct, frozen=True):
    """The tables.

    `codes`: syllable → code. `usual`: code point → code of its usual reading, for `str.translate`.
    `readings`: character → the codes of all its common readings. `initials`: character → the first
    letters of those. `whole`: the two parts of a character → that character. `plain`: look-alike →
    the characters it may stand for. `signs`: a sign → the code of how it is read.
    """

    codes: dict[str, str]
    usual: dict[int, str]
    readings: dict[str, str]
    initials: dict[str, str]
    whole: dict[str, str]
    plain: dict[str, str]
    signs: dict[str, str]


@lru_cache(1)
def characters() -> Characters:
    """The tables, read once."""
    codes: dict[str, str] = {}
    usual: dict[int, str] = {}
    readings: dict[str, str] = {}
    initials: dict[str, str] = {}
    for syllable, *groups in _lines("sounds"):
        name = _MERGED.get(syllable, syllable)
        code = codes.setdefault(name, chr(_FIRST_CODE + len(codes)))
        codes[syllable] = code
        for group in groups:
            for character in group.lstrip("+"):
                if not group.startswith("+"):
                    usual[ord(character)] = code
                    readings[character] = code + readings.get(character, "")
                    initials[character] = syllable[0] + initials.get(character, "")
                else:
                    readings[character] = readings.get(character, "") + code
                    initials[character] = initials.get(character, "") + syllable[0]
    whole = {pair: line[0] for line in _lines("split") for pair in line[1:] if len(pair) == 2}
    plain: dict[str, str] = {}
    for line in _lines("shapes"):
        for character in line[1] if len(line) > 1 else "":
            plain[character] = plain.get(character, "") + line[0]
    signs: dict[str, str] = {}
    for character, group in _lines("signs"):
        signs.update((sign, usual[ord(character)]) for sign in group)
    return Characters(codes, usual, readings, initials, whole, plain, signs)


@lru_cache(1)
def ordinary_pairs() -> frozenset[str]:
    """Pairs of characters that stand side by side in ordinary service talk."""
    return frozenset(first + second for first, group in _lines("ordinary") for second in group)


def syllables(letters: str) -> Sequence[Syllable] | None:
    """`letters` as syllables of pinyin, as few as may be; None when they are none.

    Tone digits and apostrophes may stand between them.
    """
    return _remembered(letters) if len(letters) <= _SHORT else _syllables(letters)


def _syllables(letters: str) -> Sequence[Syllable] | None:
    # From the end: what the rest costs at least, and how long its first syllable is then. One that
    # begins with a vowel costs more, for inside a word it would have an apostrophe before it.
    count = len(letters)
    backwards = letters[::-1]
    cost = [0] + [_NONE] * count
    length = [0] * (count + 1)
    find, of = _backwards()
    for first in range(0, count, _PART):
        part = backwards[max(first - _LONGEST, 0) : first + _PART]
        shift = min(first, _LONGEST)
        before = first - shift
        for number, begin, last in find(part, overlapping=True):
            if last <= shift:
                continue
            more, inside = of[number]
            size = last - begin
            end = last + before
            if end < count:
                more = inside if backwards[end] not in _BETWEEN else more
            elif not more:
                continue
            rest = cost[end - size] + more
            if rest < cost[end] or (rest == cost[end] and size > length[end]):
                cost[end], length[end] = rest, size
    if not count or cost[count] >= _NONE:
        return None
    codes = characters().codes
    found: list[Syllable] = []
    place = 0
    while place < count:
        end = place + length[count - place]
        if letters[place] not in _BETWEEN:
            toned = letters[end : end + 1].isdigit()
            found.append(Syllable(codes[letters[place:end]], place, end + toned))
        place = end
    return found


@lru_cache(1)
def _backwards() -> tuple[_Finding, list[tuple[int, int]]]:
    """Finds syllables, and what may stand between them, in letters read backwards.

    Also what each costs: behind something that stands between them, and behind another one.
    """
    import ahocorasick_rs

    names = [*characters().codes, *_BETWEEN]
    costs = [(0, 0) if name in _BETWEEN else (2, 3 if name[0] in "aeo" else 2) for name in names]
    finder = ahocorasick_rs.AhoCorasick([name[::-1] for name in names])
    return finder.find_matches_as_indexes, costs


_remembered = lru_cache(8192)(_syllables)


def forget_letters() -> None:
    """Keep no letters that were read as syllables."""
    _remembered.cache_clear()


def is_code(character: str) -> bool:
    """Whether a character of a restored text stands for a syllable."""
    return "\ue000" <= character <= "\ue7ff"


class _Codes(dict[int, str]):
    """Code point → code of its usual reading, or itself: of those seen, which are few."""

    def __init__(self, usual: dict[int, str]) -> None:
        super().__init__()
        self._usual = usual

    def __missing__(self, point: int) -> str:
        code = self[point] = self._usual.get(point) or chr(point)
        return code


@lru_cache(1)
def _usual_codes() -> _Codes:
    return _Codes(characters().usual)


def to_codes(text: str) -> str:
    """`text` with the code of its usual reading in place of every character that has one."""
    return text.translate(_usual_codes())


def _lines(name: str) -> list[list[str]]:
    text = (CHARACTERS / f"{name}.txt").read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]
