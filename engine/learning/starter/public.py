"""The public text that the starter models learn language from, read from a folder of xz files."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from engine.errors import InputError

_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]?")


class PublicText(Struct, frozen=True):
    """What was read: laws by paragraph, dialogues as turns in order, prose by sentence,
    customers' questions by intent, and customers' own lines."""

    laws: list[tuple[str, list[str]]]
    dialogues: list[list[str]]
    talks: list[list[str]]
    prose: list[str]
    intents: dict[str, list[str]]
    customers: list[list[str]]


def read_public(folder: Path) -> PublicText:
    """Reads the corpus in `folder`; raises `InputError` naming the file that is missing or cut."""
    laws = [(row["title"], row["text"].split("\n")) for row in _rows(folder, "law_zh")]
    dialogues = [_turns(row) for row in _rows(folder, "crosswoz_dialogues_zh")]
    talks = [_turns(row) for row in _rows(folder, "smile_dialogues_zh")]
    prose = [row["text"] for row in _rows(folder, "modern_prose_zh")]
    intents: dict[str, list[str]] = {}
    for row in _rows(folder, "banking77_train_en"):
        intents.setdefault(row["intent"], []).append(" ".join(row["text"].split()))
    customers = [
        [turn["text"] for turn in row["customer"] if turn["text"]]
        for row in _rows(folder, "multidogo_customers_en")
    ]
    return PublicText(laws, dialogues, talks, prose, intents, customers)


def sentences(text: str) -> list[str]:
    """The sentences of a Chinese text, each with its own full stop."""
    return [found.strip() for found in _SENTENCE.findall(text) if found.strip()]


def _turns(row: dict[str, Any]) -> list[str]:
    return [turn["text"] for turn in row["turns"]]


def _rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    path = folder / f"{name}.jsonl.xz"
    try:
        with lzma.open(path, "rb") as file:
            for line in file:
                yield msgspec.json.decode(line)
    except (OSError, EOFError, lzma.LZMAError, msgspec.DecodeError) as error:
        raise InputError(
            f"The training text {path} cannot be read: {error}. Nothing was trained; "
            "give the folder that holds it with --corpus."
        ) from error
