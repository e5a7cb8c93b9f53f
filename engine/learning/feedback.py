"""Decisions out of the store, as training data in its raw form."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec
from msgspec import Struct

from engine.learning.exporting import export_failed
from engine.records import DecisionAction, Draft, Hit, RejectReason, Turn
from engine.store.rows import StoredDecision, StoredHit, Verdict
from engine.store.store import Store

FORMAT = "zuoxi-decisions-1"
DECISIONS = "decisions.jsonl"
MANIFEST = "manifest.json"


Of = Literal["draft", "sent", "kept_back"]


class JudgedHit(Struct, frozen=True):
    """A hit with the lead's verdict: in the draft, also in one that was withdrawn because of it, in
    what was sent, or in what the gate kept back before.

    `sign` says what it teaches of that text: -1 where the rule was right or where it missed (a text
    like this must not be written), +1 for a false alarm (it was kept back for nothing). Offsets of
    a withdrawn draft's hit count within `text`.
    """

    of: Of
    rule: str
    category: str
    start: int
    end: int
    text: str
    verdict: Verdict
    sign: Literal[-1, 1]


class RawDecision(Struct, frozen=True):
    """One decision with all it rested on; `turns` ends with the customer message decided on.

    `draft` holds the evidence, the model's hits and the release; `hits` are the send gate's.
    `thumbs_down` counts agents who marked the draft as bad; `judged` is what leads said of hits.
    `rejected`: the draft is an example of what not to write, because a lead judged a hit in it to
    be right, or the agent rejected it and no lead called the red line behind that a false alarm.
    Times are epoch seconds.
    """

    id: str
    conversation: str
    action: DecisionAction
    at: float
    undone: bool
    turns: tuple[Turn, ...]
    draft_id: str | None
    draft: Draft | None
    text: str
    edit_distance: int
    reason: RejectReason | None
    comment: str
    seconds: float
    who: str
    hits: tuple[Hit, ...]
    override: str | None
    thumbs_down: int
    judged: tuple[JudgedHit, ...] = ()
    rejected: bool = False


class RawManifest(Struct, frozen=True):
    """What an export holds: standing decisions by action, undone ones, and the file's SHA-256.

    `forgotten` decisions are left out: their customers' data was deleted.
    """

    format: str
    file: str
    sha256: str
    decisions: int
    undone: int
    actions: dict[str, int]
    forgotten: int = 0


def export_raw(store: Store, out_dir: Path) -> RawManifest:
    """Write all decisions to `out_dir` as decisions.jsonl and manifest.json.

    Each file is replaced in one step, the manifest last: a crash leaves a whole older file. Raises
    `InputError` (`export_failed`) and `StoreError`.
    """
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        scratch = out_dir / f"{DECISIONS}.tmp"
        with scratch.open("wb") as file:
            manifest = _write(store, file)
            _flush(file)
        manifest_scratch = out_dir / f"{MANIFEST}.tmp"
        with manifest_scratch.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
            _flush(file)
        scratch.replace(out_dir / DECISIONS)
        manifest_scratch.replace(out_dir / MANIFEST)
    except OSError as error:
        raise export_failed(out_dir, error) from error
    return manifest


def _write(store: Store, file: BinaryIO) -> RawManifest:
    digest = hashlib.sha256()
    actions: dict[str, int] = {}
    decisions = undone = forgotten = 0
    for decision in store.decisions.all():
        deleted = store.conversations.get(decision.conversation).forgotten_at
        if deleted is not None and decision.at <= deleted:
            forgotten += 1
            continue
        line = msgspec.json.encode(_raw(store, decision)) + b"\n"
        file.write(line)
        digest.update(line)
        decisions += 1
        if decision.undone:
            undone += 1
        else:
            actions[decision.action] = actions.get(decision.action, 0) + 1
    return RawManifest(FORMAT, DECISIONS, digest.hexdigest(), decisions, undone, actions, forgotten)


def _raw(store: Store, decision: StoredDecision) -> RawDecision:
    draft = store.drafts.get(decision.draft).draft if decision.draft else None
    turns: tuple[Turn, ...] = ()
    if decision.message is not None:
        turns = store.conversations.turns(decision.conversation, until=decision.message)
    judged = tuple(_judged(store, decision))
    return RawDecision(
        id=decision.id,
        conversation=decision.conversation,
        action=decision.action,
        at=decision.at,
        undone=decision.undone,
        turns=turns,
        draft_id=decision.draft,
        draft=draft,
        text=decision.text,
        edit_distance=decision.edit_distance,
        reason=decision.reason,
        comment=decision.comment,
        seconds=decision.seconds,
        who=decision.who,
        hits=decision.hits,
        override=decision.override,
        thumbs_down=len(store.feedback.of(decision.draft)) if decision.draft else 0,
        judged=judged,
        rejected=_is_rejected(decision, judged),
    )


def _is_rejected(decision: StoredDecision, judged: tuple[JudgedHit, ...]) -> bool:
    signs = {hit.sign for hit in judged if hit.of == "draft"}
    if -1 in signs:
        return True
    cleared = decision.reason == "red_line" and 1 in signs
    return decision.action == "rejected" and not cleared


def _judged(store: Store, decision: StoredDecision) -> Iterator[JudgedHit]:
    judged = [one for one in store.hits.of(decision.conversation) if one.verdict is not None]
    if not judged:
        return
    made = [one.at for one in store.decisions.of(decision.conversation) if one.at < decision.at]
    for stored in judged:
        of = _of(store, decision, stored, since=max(made, default=0.0))
        if of is None or stored.verdict is None:
            continue
        hit = stored.hit
        yield JudgedHit(
            of,
            hit.rule,
            hit.category,
            hit.start,
            hit.end,
            hit.text,
            stored.verdict,
            1 if stored.verdict == "false_alarm" else -1,
        )


def _of(store: Store, decision: StoredDecision, stored: StoredHit, since: float) -> Of | None:
    """What of a decision a judged hit is in; None if in none of it."""
    if stored.draft is not None:
        if stored.draft == decision.draft:
            return "draft"
        # One that was withdrawn is never decided on; the reply to the same message tells of it.
        withdrawn = store.drafts.get(stored.draft)
        same = decision.draft is None and withdrawn.message == decision.message
        return "draft" if same and withdrawn.draft.status == "failed" else None
    if stored.message is not None:
        return "sent" if stored.message == decision.outgoing else None
    return "kept_back" if since < stored.at <= decision.at else None


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
