"""How a Latin word may be spelled otherwise: with digits for letters, or by initials only."""

from __future__ import annotations

from collections.abc import Container
from itertools import islice, product

from engine.redline.characters import characters

_FORMS = 16
_LEET = {
    one: str.maketrans(
        {"0": "o", "1": one, "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
    )
    for one in "il"
}


def unleeted(word: str, words: Container[str]) -> str | None:
    """One of `words` that `word` spells with digits and signs for letters."""
    if word.isalpha() or not any(character.isalpha() for character in word):
        return None
    for table in _LEET.values():
        plain = word.translate(table)
        if plain in words:
            return plain
    return None


def initials(word: str) -> list[str]:
    """The letters that `word` is written with when only initials are: "wx" (and "vx") for 微信."""
    readings = characters().initials
    choices = []
    for character in word:
        letters = readings.get(character, character)
        choices.append(dict.fromkeys(letters + ("v" if "w" in letters else "")))
    if not 1 < len(choices) <= 8:
        return []
    return ["".join(form) for form in islice(product(*choices), _FORMS)]
