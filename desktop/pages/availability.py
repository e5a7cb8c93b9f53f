"""Which decisions can be taken now, and in which words the others are refused."""

from __future__ import annotations

from typing import Final

from desktop import actions
from desktop.bridge import EngineState
from desktop.session.desk_session import Phase
from desktop.session.snapshot import Snapshot
from desktop.widgets.values import Availability
from engine.records import Language, Screening
from engine.redline.gate import STOPPING
from engine.texts import text

_WITHOUT_DRAFT: Final[dict[Phase, str]] = {
    "none": "none",
    "queued": "queued",
    "streaming": "queued",
    "handed_over": "handed_over",
    "sending": "sending",
    "answered": "answered",
}


def availability(
    phase: Phase,
    snapshot: Snapshot | None,
    engine: EngineState,
    language: Language,
    *,
    typed: bool = False,
) -> Availability:
    """What the decision bar offers in that phase; `typed`: the reply box holds words."""

    def why(name: str) -> str:
        return text(f"desk.why.{name}", language)

    if snapshot is None:
        nothing = why("none")
        return Availability(nothing, nothing, nothing, nothing, nothing, nothing)
    missing = "" if phase == "ready" else why(_WITHOUT_DRAFT.get(phase, "no_draft"))
    redraft = ""
    if phase in ("handed_over", "sending", "answered"):
        redraft = missing
    elif phase in ("queued", "streaming"):
        redraft = why("queued")
    elif not engine.drafts:
        redraft = why("engine")
    # Accepting would send the draft without what was typed into it.
    accept = why("typed") if typed and not missing else missing
    return Availability(
        accept=accept or stopping_reason(snapshot.screening, language),
        edit=missing,
        reject=missing,
        redraft=redraft,
        thumbs_down=missing,
        hand_over=why("handed_over") if phase == "handed_over" else "",
    )


def stopping_reason(screening: Screening | None, language: Language) -> str:
    """Why the gate would keep a text back, "" when it would not."""
    if screening is None:
        return ""
    if screening.action in STOPPING:
        hits = [hit for hit in screening.hits if hit.action in STOPPING]
        if not hits:
            return text("desk.why.rules_failed", language)
        comma = "、" if language == "zh" else ", "
        names = comma.join(dict.fromkeys(hit.name or hit.rule for hit in hits))
        return text("desk.why.red_line", language, names=names)
    if screening.scripts:
        keys = actions.keys_text("insert_script", language)
        return text("desk.why.script", language, keys=keys)
    return ""
