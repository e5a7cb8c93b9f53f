"""Every sentence a person reads, in Chinese and English, side by side in ``assets/texts/*.yaml``.

A file maps keys to ``{zh: …, en: …}``; values in braces are filled in with `str.format`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import ZuoxiError
from engine.paths import ASSETS
from engine.records import Language


class Both(Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence in both languages."""

    zh: str
    en: str


def text(key: str, language: Language, /, **values: object) -> str:
    """The sentence for `key`; raises `KeyError` when there is none."""
    both = table()[key]
    sentence = both.zh if language == "zh" else both.en
    return sentence.format(**values)


def both(key: str, /, **values: object) -> Both:
    """The sentence for `key` in both languages, where it is not known yet who will read it."""
    sentence = table()[key]
    return Both(sentence.zh.format(**values), sentence.en.format(**values))


def explain(error: ZuoxiError, language: Language) -> str:
    """`error` in one line for a person: its text by code, else the line it was raised with.

    Of a value in both languages (`Both`), the person's own is put in.
    """
    values = {
        key: (value.zh if language == "zh" else value.en) if isinstance(value, Both) else value
        for key, value in error.values.items()
    }
    try:
        return text(f"error.{error.code}", language, **values)
    except (KeyError, IndexError):
        return error.message


@cache
def table(folder: Path = ASSETS / "texts") -> dict[str, Both]:
    """All sentences by key; a test sees to it that no key stands in two files."""
    merged: dict[str, Both] = {}
    for path in sorted(folder.glob("*.yaml")):
        merged |= msgspec.yaml.decode(path.read_bytes(), type=dict[str, Both])
    return merged
