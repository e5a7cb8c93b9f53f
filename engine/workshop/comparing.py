"""What differs between two versions of the rules."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from engine.redline.changes import Key, Kind


class Difference(Struct, frozen=True):
    """One rule that differs: `lines` are a unified diff of its text, without headers."""

    kind: Kind
    id: str
    what: Literal["added", "removed", "changed"]
    lines: tuple[str, ...]


def differences(former: Mapping[Key, str], changed: Mapping[Key, str]) -> tuple[Difference, ...]:
    """What makes `changed` of `former`, both texts by kind and id; no text is no rule."""
    found: list[Difference] = []
    for kind, rule in dict.fromkeys((*former, *changed)):
        was, now = former.get((kind, rule), ""), changed.get((kind, rule), "")
        if was == now:
            continue
        lines = difflib.unified_diff(was.splitlines(), now.splitlines(), lineterm="")
        what: Literal["added", "removed", "changed"] = "changed"
        if not was or not now:
            what = "removed" if was else "added"
        found.append(Difference(kind, rule, what, tuple(lines)[2:]))
    return tuple(found)
