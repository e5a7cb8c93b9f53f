"""What a schema finds wrong with a rule, in the reader's language."""

from __future__ import annotations

import re
from typing import Final

from engine.records import Language
from engine.texts import text

_PLACE: Final = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")
_INDEX: Final = re.compile(r"\[(\d+)\]")
_FOUND: Final = (
    (
        "enum",
        re.compile(r"Invalid enum value (?:'(?P<value>.*)'|(?P<number>[^'\s]\S*))", re.DOTALL),
    ),
    ("unknown", re.compile(r"Object contains unknown field `(?P<value>[^`]*)`")),
    ("missing", re.compile(r"Object missing required field `(?P<value>[^`]*)`")),
    ("items", re.compile(r"Expected `array` of length (?P<value>\d+)")),
    ("shortest", re.compile(r"Expected `str` of length >= (?P<value>\d+)")),
    ("longest", re.compile(r"Expected `str` of length <= (?P<value>\d+)")),
    ("least", re.compile(r"Expected `int` >= (?P<value>\d+)")),
    ("most", re.compile(r"Expected `int` <= (?P<value>\d+)")),
    ("spelling", re.compile(r"Expected `str` matching regex")),
    ("kind", re.compile(r"Expected `(?P<kind>str|int|bool|array|object)(?: \| null)?`, got")),
)


def schema_words(message: str, language: Language) -> str:
    """The schema's `message` in `language`; one that is not known stays as it is."""
    place = _PLACE.search(message)
    said = message[: place.start()] if place else message
    for name, pattern in _FOUND:
        found = pattern.match(said)
        if found is None:
            continue
        values = found.groupdict()
        if kind := values.get("kind"):
            value = text(f"redline.schema.kind.{kind}", language)
        else:
            value = values.get("value") or values.get("number") or ""
        words = text(f"redline.schema.{name}", language, value=value)
        return _placed(words, place[1] if place else "", language)
    return message


def _placed(words: str, path: str, language: Language) -> str:
    """The words with where it is: ``match.words[0]`` is the first of ``match.words``."""
    where = _INDEX.sub(
        lambda index: text("redline.schema.item", language, n=int(index[1]) + 1), path
    )
    return text("redline.schema.at", language, words=words, where=where) if where else words
