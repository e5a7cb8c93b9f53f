"""Every sentence a person reads, in Chinese and English, side by side in ``assets/texts/*.yaml``.

A file maps keys to ``{zh: …, en: …}``; values in braces are filled in with `str.format`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from engine import compiled
from engine.errors import ZuoxiError
from engine.paths import ASSETS
from engine.records import Language

# Control characters, overrides of the writing direction, lone surrogates.
_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Both(Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence in both languages."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The sentence in `language`."""
        return self.zh if language == "zh" else self.en


def text(key: str, language: Language, /, **values: object) -> str:
    """The sentence for `key`; raises `KeyError` when there is none."""
    return table()[key].of(language).format(**values)


def category_named(category: str, language: Language) -> str:
    """A rule's category as people call it; a company's own one by its id."""
    sentence = table().get(f"desk.category.{category}")
    return category if sentence is None else sentence.of(language)


def both(key: str, /, **values: object) -> Both:
    """The sentence for `key` in both languages, where it is not known yet who will read it."""
    sentence = table()[key]
    return Both(sentence.zh.format(**values), sentence.en.format(**values))


def explain(error: ZuoxiError, language: Language) -> str:
    """`error` in one line for a person: its text by code, else the line it was raised with.

    Of a value in both languages (`Both`), the person's own is put in. Values may come from damaged
    or hostile files: what would break the line or turn its direction becomes U+FFFD.
    """
    values = {
        key: value.of(language) if isinstance(value, Both) else value
        for key, value in error.values.items()
    }
    try:
        return _line(text(f"error.{error.code}", language, **values))
    except (KeyError, IndexError):
        return _line(error.message)


def _line(words: str) -> str:
    return _UNFIT.sub("\ufffd", " ".join(words.splitlines()))


@cache
def table(folder: Path = ASSETS / "texts") -> dict[str, Both]:
    """All sentences by key; a test sees to it that no key stands in two files."""
    sources = [path.read_bytes() for path in sorted(folder.glob("*.yaml"))]
    merged = compiled.recall(folder, "texts", sources, dict[str, Both])
    if merged is None:
        merged = {}
        for source in sources:
            merged |= msgspec.yaml.decode(source, type=dict[str, Both])
        compiled.keep(folder, "texts", sources, merged)
    return merged
