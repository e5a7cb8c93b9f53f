"""What stays of a row when the text in it is deleted: ids, offsets, what was done, no words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from engine.records import Draft, Hit
from engine.store.audit import decision_in_short, hits_in_short
from engine.store.text import to_json

FORGOTTEN = "—"
"""What stands for a deleted name or message."""

_FIELDS = {
    "decision": ("text", "comment", "override"),
    "hits": ("screened",),
    "approval": ("text", "reason", "comment"),
}


def blank_hit(body: str) -> str:
    """A stored hit without what it found; one that cannot be read becomes nothing."""
    try:
        hit = msgspec.json.decode(body, type=Hit)
    except msgspec.DecodeError:
        hit = Hit("", "", "L0", "none", 0, 0, "")
    return to_json(_bare(hit))


def blank_hits(body: str) -> str:
    """A stored list of hits, likewise."""
    try:
        hits = msgspec.json.decode(body, type=tuple[Hit, ...])
    except msgspec.DecodeError:
        return "[]"
    return to_json([_bare(hit) for hit in hits])


def blank_draft(body: str) -> str:
    """A stored draft with what made it and how long it took, without what it says and quotes."""
    try:
        draft = msgspec.json.decode(body, type=Draft)
    except msgspec.DecodeError:
        return to_json(Draft("failed"))
    return to_json(bare_draft(draft))


def bare_draft(draft: Draft) -> Draft:
    """`draft` without what it says and quotes."""
    return replace(
        draft,
        text="",
        evidence=(),
        hits=tuple(_bare(hit) for hit in draft.hits),
        unsupported=(),
        numbers=(),
        script=None,
        reason="",
    )


def is_blank(kind: str, rows: Sequence[Mapping[str, object]], detail: Mapping[str, object]) -> bool:
    """Whether `rows`, which an audit record of `kind` is about, hold no words any more, and are
    otherwise what the record's `detail` says of them."""
    if any(row[name] for row in rows for name in _FIELDS[kind]):
        return False
    if kind == "decision":
        return detail == decision_in_short(rows[0]) and _bare_hits(str(rows[0]["hits"]))
    if kind == "approval":
        return _bare_hits(str(rows[0]["hits"]))
    try:
        hits = [msgspec.json.decode(str(row["body"]), type=Hit) for row in rows]
    except msgspec.DecodeError:
        return False
    shown = hits_in_short([(str(row["id"]), hit) for row, hit in zip(rows, hits, strict=True)])
    told = detail.get("hits")
    recorded = [
        {name: value for name, value in dict(one).items() if name != "text"}
        for one in (told if isinstance(told, list) else [])
    ]
    return shown == recorded and all(hit == _bare(hit) for hit in hits)


def _bare(hit: Hit) -> Hit:
    return replace(hit, text="", name="", why="", advice="", rewrite="")


def _bare_hits(body: str) -> bool:
    return body == blank_hits(body)
