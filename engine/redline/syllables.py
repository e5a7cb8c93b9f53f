"""Wordings and expressions in the alphabet of restored texts, in which syllables are codes.

A wording has a form for each combination of common readings; an expression takes, for each
character, the codes of its readings as well.
"""

from __future__ import annotations

from itertools import islice, product

from engine.redline.characters import NUMERALS, characters

_FORMS = 6


def syllable_forms(word: str) -> list[str]:
    """How `word` may be read, as syllable codes, most usual readings first.

    Six forms at most, and those in which one reading only is no usual one. Numerals also have the
    form in which they are written as digits.
    """
    readings = characters().readings
    choices = [list(readings.get(character, character)) for character in word]
    forms = ["".join(form) for form in islice(product(*choices), _FORMS)]
    for place, choice in enumerate(choices):
        usual = forms[0]
        forms += [usual[:place] + other + usual[place + 1 :] for other in choice[1:]]
    if any(character in NUMERALS for character in word):
        digits = [
            [NUMERALS[character]]
            if character in NUMERALS
            else list(readings.get(character, character))
            for character in word
        ]
        forms += ["".join(form) for form in islice(product(*digits), _FORMS)]
    return list(dict.fromkeys(forms))


def with_syllables(expression: str) -> str:
    """RE2 `expression` widened: a character that has a reading also matches that syllable's code.

    Han numerals match the digit as well.
    """
    out: list[str] = []
    inside = False
    place = 0
    while place < len(expression):
        character = expression[place]
        if character == "\\" and place + 1 < len(expression):
            end = place + 2
            if expression[place + 1] in "pP" and expression[end : end + 1] == "{":
                end = expression.find("}", end) + 1 or len(expression)
            elif expression[place + 1] == "Q":
                end = expression.find("\\E", end) + 2 if "\\E" in expression[end:] else end
                end = max(end, place + 2)
            out.append(expression[place:end])
            place = end
            continue
        if inside:
            if expression.startswith("[:", place) and (end := expression.find(":]", place)) > 0:
                out.append(expression[place : end + 2])
                place = end + 2
                continue
            if character == "]":
                inside = False
            ranged = expression[place + 1 : place + 2] == "-" or expression[place - 1] == "-"
            out.append(character if ranged else character + _others(character))
        elif character == "[":
            inside = True
            out.append(character)
            # "]" just behind the bracket stands for itself.
            for mark in ("^", "]"):
                if expression[place + 1 : place + 2] == mark:
                    out.append(mark)
                    place += 1
        else:
            others = _others(character)
            out.append(f"[{character}{others}]" if others else character)
        place += 1
    return "".join(out)


def _others(character: str) -> str:
    return characters().readings.get(character, "") + NUMERALS.get(character, "")
