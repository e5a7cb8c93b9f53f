"""The rules that ship, as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.redline.changes import Base, Change, Key, Kind, split
from engine.redline.packs import Source, packs_in
from engine.redline.schema import Rule, Script


def shipped(base: Base, folder: Path) -> dict[Key, tuple[Change, Rule | Script]]:
    """Every rule and script of the packs in `folder`, which are those of `base`, with its text."""
    texts: dict[Key, str] = {}
    for path in packs_in(folder):
        for change, _ in split(path.read_text("utf-8")):
            texts[change.key] = change.text
    return {
        (kind, part.id): (Change(kind, part.id, texts[kind, part.id], source.pack.pack.id), part)
        for source in base.sources
        for kind, part in _parts(source)
        if (kind, part.id) in texts
    }


def _parts(source: Source) -> Iterator[tuple[Kind, Rule | Script]]:
    for rule in source.pack.rules:
        yield "rule", rule
    for script in source.pack.scripts:
        yield "script", script
