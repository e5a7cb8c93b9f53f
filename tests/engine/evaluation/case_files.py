"""A file of cases as the sample company's and the evaluation set's are written, and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from engine.evaluation.cases import folded


class Spoken(Struct, forbid_unknown_fields=True):
    role: Literal["customer", "agent"]
    text: str


class Case(Struct, forbid_unknown_fields=True):
    id: str
    kind: Literal["plain", "hard", "multiturn", "redline", "overblock", "abstain", "attack"]
    as_of: str
    turns: list[Spoken]
    gold_docs: list[str]
    facts: list[list[str]]
    forbid: list[str]
    expect: Literal["draft", "abstain", "handover"]


def lines_of(path: Path, kind: Any) -> list[Any]:
    """The lines of a JSON Lines file, each checked against its schema."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [msgspec.json.decode(line, type=kind) for line in lines]


def sentences(text: str) -> list[str]:
    """The sentences of a text, Chinese or English."""
    parts = re.split(r"(?<=[。！？])|(?<=[.!?])\s+|\n", text)
    return [part.strip() for part in parts if part.strip()]


def solving(case: Case, gold: Iterable[str]) -> list[str]:
    """Sentences of `gold` that show all facts of the case and nothing of what is forbidden."""
    forbidden = [folded(wording) for wording in case.forbid]
    usable = [
        sentence for sentence in gold if not any(word in folded(sentence) for word in forbidden)
    ]
    missing = [[folded(wording) for wording in wordings] for wordings in case.facts]
    taken: list[str] = []
    while missing:
        best = max(usable, key=lambda s: sum(any(w in folded(s) for w in ws) for ws in missing))
        left = [ws for ws in missing if not any(w in folded(best) for w in ws)]
        assert len(left) < len(missing), left
        missing = left
        taken.append(best)
    return taken
