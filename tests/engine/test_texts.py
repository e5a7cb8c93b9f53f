"""Every sentence stands once, in both languages, with the same values to fill in."""

from __future__ import annotations

import string
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from engine import texts
from engine.errors import ZuoxiError
from engine.paths import ASSETS

FILES = sorted((ASSETS / "texts").glob("*.yaml"))


def sentences(path: Path) -> dict[str, texts.Both]:
    return msgspec.yaml.decode(path.read_bytes(), type=dict[str, texts.Both])


def fields(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_no_key_stands_in_two_files() -> None:
    counted = Counter(key for path in FILES for key in sentences(path))
    assert [key for key, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_languages_say_the_same_with_the_same_values(path: Path) -> None:
    for key, both in sentences(path).items():
        assert both.zh.strip(), key
        assert both.en.strip(), key
        assert fields(both.zh) == fields(both.en), key


def test_an_error_is_explained_in_the_persons_language() -> None:
    error = ZuoxiError("plain line", "model_missing", name="x.gguf")
    assert "x.gguf" in texts.explain(error, "zh")
    assert texts.explain(error, "zh") != texts.explain(error, "en")


def test_an_error_without_a_text_says_the_line_it_was_raised_with() -> None:
    assert texts.explain(ZuoxiError("plain line", "no such code"), "zh") == "plain line"


def test_an_error_whose_values_are_missing_still_says_something() -> None:
    assert texts.explain(ZuoxiError("plain line", "model_missing"), "en") == "plain line"
