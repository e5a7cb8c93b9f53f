"""Which decisions can be taken now, and in which words the others are refused."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from desktop import actions
from desktop.bridge import EngineState
from desktop.session.clearing import Clearance
from desktop.session.desk_session import Phase
from desktop.session.snapshot import Snapshot
from desktop.widgets.gate_panel import AppealState, GateState, GateView
from desktop.widgets.plain_text import unstopped
from desktop.widgets.values import Availability
from engine.records import Language, Screening
from engine.redline.gate import STOPPING
from engine.redline.schema import Override
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


def rules_in_words(clearance: Clearance, language: Language) -> str:
    """Every rule that keeps a text back: its name, why, and what to do instead."""
    return "\n".join(
        text(
            "desk.why.rule",
            language,
            name=hit.name or hit.rule,
            why=unstopped(hit.why),
            do=unstopped(hit.advice),
        )
        for hit in clearance.stopping
    )


def gate_view(clearance: Clearance, language: Language, agent: str) -> GateView:
    """What the reply box says about a text that a rule keeps back, or that a lead was asked for."""
    view = _standing(clearance, language, agent)
    appeal = clearance.appeal
    if appeal is not None:
        became: AppealState = "open"
        if appeal.answered_at is not None:
            became = "upheld" if appeal.upheld else "dismissed"
        view = replace(view, appeal=became, judge=appeal.answered_by, verdict=appeal.answer)
    unsigned = "" if agent.strip() else text("desk.why.no_name", language)
    return replace(view, unsigned=unsigned) if view.state else view


def _standing(clearance: Clearance, language: Language, agent: str) -> GateView:
    hits, found, other = clearance.stopping, clearance.approval, clearance.other
    override = clearance.override
    if override == "approved" and found is not None:
        if found.state == "approved" and clearance.own:
            return GateView("lead", hits, hindrance=text("desk.why.own_approval", language))
        state: GateState = "refused"
        if found.state != "refused":
            state = "granted" if found.state == "approved" else "asked"
        hindrance = _hindrance(clearance, language, agent) if state == "refused" else ""
        return GateView(
            state, hits, found.reason, found.answered_by, found.comment, hindrance=hindrance
        )
    if clearance.missing:
        return GateView("script", scripts=clearance.missing)
    if override is None and other is None:
        return GateView()
    states: dict[Override | None, GateState] = {
        None: "lapsed",
        "never": "never",
        "approved": "lead",
    }
    return GateView(
        states.get(override, "reason"),
        hits,
        lead=other.answered_by if other else "",
        quoted=other.text if other else "",
        answered=other is not None and other.state == "approved",
        hindrance=_hindrance(clearance, language, agent),
    )


def waiting_reason(clearance: Clearance, language: Language) -> str:
    """Why a text that was asked about cannot be sent yet, "" where that is not why."""
    found = clearance.approval
    if clearance.override != "approved" or found is None or found.state != "asked":
        return ""
    return text("desk.why.asked", language)


def _hindrance(clearance: Clearance, language: Language, agent: str) -> str:
    if clearance.screening.scripts:
        # It changes the text that the lead would approve.
        keys = actions.keys_text("insert_script", language)
        return text("desk.why.script.first", language, keys=keys)
    if clearance.override == "approved" and not agent.strip():
        return text("desk.why.no_name", language)
    return ""
