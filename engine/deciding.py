"""The one way to take a decision, for the window and for the command line.

Whatever leaves for a customer has passed the gate here, in the very form in which it is sent.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import partial
from typing import Literal

from msgspec import Struct

from engine.errors import GateRefused, ZuoxiError
from engine.records import DecisionAction, Hit, Language, RejectReason, Screening
from engine.redline.gate import STOPPING, Gate, masked, override_of, placed_in_masked
from engine.store.approvals import same_person
from engine.store.conversations import forgotten_conversation
from engine.store.hits import no_hit
from engine.store.rows import Appeal, Approval, StoredDecision, StoredDraft
from engine.store.store import Store
from engine.store.text import clean

Choice = Literal["accept", "edit", "reject", "hand_over"]

AGENT_CATEGORY = "agent"

# A run of blanks is read from its first one only: a long one would take for ever otherwise.
_MARK = re.compile(r"(?:(?<![ \t\u3000])[ \t\u3000]+)?\[\d{1,3}\]")
# Of just two stars: more of them hide something (138****8000).
_BOLD = re.compile(r"(?<!\*)\*\*(?!\*)")
_REWRITTEN_SHARE = 0.7
# Beyond this the bit-parallel distance takes longer than an agent waits for a key press.
_COMPARED_LENGTH = 20_000


class DecisionRefused(ZuoxiError):
    """The decision does not fit the conversation as it stands; nothing was stored.

    Codes: `no_draft`, `draft_stale`, `no_reason`, `empty_text`.
    """

    code = "no_draft"


class SendRefused(GateRefused):
    """The gate kept a text back, with what it found.

    Codes: `blocked`, `script_missing`; with an override `needs_lead` (a lead must approve it) and
    `no_override` (nobody can).

    `hits` index `text`, the text as it would have been sent; `scripts` are the missing ones.
    """

    def __init__(self, message: str, code: str, text: str, screening: Screening) -> None:
        rules = ", ".join(sorted({hit.name or hit.rule for hit in screening.hits}))
        super().__init__(message, code, rules=rules, scripts=" ".join(screening.scripts))
        self.text = text
        self.hits: tuple[Hit, ...] = screening.hits
        self.scripts: tuple[str, ...] = screening.scripts


class _Passed(Struct, frozen=True):
    """A text as it may leave. `override` is set where a rule would have kept it back."""

    text: str
    hits: tuple[Hit, ...]
    override: str | None = None
    approval: Approval | None = None


class _Outgoing(Struct, frozen=True):
    action: DecisionAction
    text: str
    edit_distance: int


def decide(
    store: Store,
    gate: Gate,
    conversation: str,
    action: Choice,
    *,
    text: str | None = None,
    draft_id: str | None = None,
    reason: RejectReason | None = None,
    comment: str = "",
    seconds: float = 0.0,
    who: str = "",
    undo_seconds: float = 0.0,
    language: Language = "zh",
    override: str | None = None,
    needs_draft: bool = False,
    typed: bool = False,
) -> StoredDecision:
    """Take a decision on a conversation's newest message; durable on return.

    `accept` sends the stored draft, `edit` sends `text`, `reject` needs a `reason` and sends
    nothing, `hand_over` opens a case (also without a draft, unless `needs_draft`). `draft_id` is
    the draft the agent saw; another one in its place refuses the decision. `override` is the
    agent's reason to send what the gate would keep back, and the lead is told of it. What a rule of
    level L3 keeps back leaves only once somebody else has approved it (`ask_for_approval`); what
    one of level L4 keeps back is never sent. `typed`: the conversation's unsent text is what is
    sent, and is forgotten in the same step.

    Raises `InputError` (`no_conversation`, `forgotten`, `already_decided`), `DecisionRefused`,
    `SendRefused` (then only the hits are stored) and `StoreError`.
    """
    # A reason of nothing but blanks is none.
    override = (override or "").strip() or None
    _not_forgotten(store, conversation)
    stored = store.drafts.latest(conversation)
    if draft_id is not None and (stored is None or stored.id != draft_id):
        raise _stale()
    drafted = stored if stored is not None and stored.draft.status == "drafted" else None
    record = partial(
        store.decisions.record, conversation, comment=comment, seconds=seconds, who=who
    )
    if action == "hand_over":
        if needs_draft and stored is None:
            raise _no_draft()
        with _writing(store, conversation):
            store.handovers.open(conversation, AGENT_CATEGORY, who=who)
            message, draft = (stored.message, stored.id) if stored else (None, None)
            return record("handed_over", message=message, draft=draft)
    if action == "reject":
        if drafted is None:
            raise _no_draft()
        if reason is None:
            raise DecisionRefused(
                "A rejection needs a reason. Nothing was stored; choose one.", "no_reason"
            )
        with _writing(store, conversation):
            return record("rejected", message=drafted.message, draft=drafted.id, reason=reason)
    outgoing = _outgoing(action, drafted, text)
    passed = _pass_gate(store, gate, conversation, outgoing.text, language, override, who)
    with _writing(store, conversation):
        now = store.drafts.latest(conversation)
        if drafted is not None and (now is None or now.id != drafted.id):
            # While the gate was reading, the customer wrote on or somebody else decided.
            raise _stale()
        if typed:
            store.composers.put(conversation, "")
        approval = passed.approval
        decision = record(
            outgoing.action,
            text=passed.text,
            message=drafted.message if drafted else None,
            draft=drafted.id if drafted else None,
            edit_distance=outgoing.edit_distance,
            hits=passed.hits,
            override=passed.override,
            approved_by=approval.answered_by if approval else "",
            approval=approval.id if approval else "",
            undo_seconds=undo_seconds,
            rules=gate.version,
        )
        if passed.override and approval is None:
            store.approvals.tell(
                conversation,
                passed.text,
                passed.override,
                who,
                passed.hits,
                decision=decision.id,
                rules=gate.version,
            )
        return decision


def ask_for_approval(
    store: Store,
    gate: Gate,
    conversation: str,
    reason: str,
    who: str,
    *,
    text: str | None = None,
    language: Language = "zh",
) -> Approval:
    """Ask a lead to let `text`, or without it the stored draft, pass the gate; durable on return.

    Once it is approved, `decide` sends that very text without another word. Raises `SendRefused`
    (`no_override`: nobody may let it pass), `DecisionRefused` (`no_approval_needed`, `no_draft`,
    `empty_text`), `InputError` (`no_conversation`, `forgotten`, `no_reason_given`, `no_name`) and
    `StoreError`.
    """
    _not_forgotten(store, conversation)
    stored = store.drafts.latest(conversation)
    drafted = stored if stored is not None and stored.draft.status == "drafted" else None
    final = _outgoing("accept" if text is None else "edit", drafted, text).text
    turns = store.conversations.turns(conversation)
    screening = gate.screen(final, "agent", language=language, turns=turns)
    allowed = override_of(screening)
    if allowed == "never":
        raise _kept_back("no_override", final, screening)
    if allowed != "approved":
        raise DecisionRefused(
            "This text needs no lead's approval. Nothing was asked; send it.", "no_approval_needed"
        )
    hits, rules = screening.hits, gate.version
    with _writing(store, conversation):
        return store.approvals.ask(conversation, final, reason, who, hits, rules=rules)


def object_to(
    store: Store,
    gate: Gate,
    conversation: str,
    hit: Hit,
    why: str,
    who: str,
    *,
    text: str,
    language: Language = "zh",
) -> Appeal:
    """An agent's word against a `hit` that the gate shows for `text`, which was not sent.

    What the gate finds in `text` is kept with it, so that a lead can judge it; what was kept of the
    same text before is not kept twice. Raises `InputError` (`no_hit`: the gate does not find it any
    more, `no_conversation`, `forgotten`, `no_name`, `no_reason_given`) and `StoreError`; then
    nothing is kept.
    """
    _not_forgotten(store, conversation)
    turns = store.conversations.turns(conversation)
    screening = gate.screen(text, "agent", language=language, turns=turns)
    places = {(one.rule, one.start, one.end): one for one in screening.hits}
    shown = places.get((hit.rule, hit.start, hit.end))
    if shown is None:
        raise no_hit()
    with _writing(store, conversation):
        known = store.hits.kept_back(conversation, text, shown)
        if known is None:
            hits = (*screening.hits, *screening.shadow)
            store.hits.add_all(conversation, None, text, hits, rules=gate.version, agent=who)
            known = store.hits.kept_back(conversation, text, shown)
        if known is None:
            raise no_hit()
        return store.reviews.appeal(known.id, who, why)


def sendable(text: str) -> str:
    """A draft's text as a customer gets it: without citation marks ``[n]`` and ``**``."""
    return _BOLD.sub("", _MARK.sub("", clean(text))).strip()


def edit_distance(first: str, second: str) -> int:
    """Levenshtein distance in code points.

    Texts that differ over more than 20,000 code points count as wholly rewritten.
    """
    start = 0
    shorter = min(len(first), len(second))
    while start < shorter and first[start] == second[start]:
        start += 1
    end = 0
    while end < shorter - start and first[-1 - end] == second[-1 - end]:
        end += 1
    first, second = first[start : len(first) - end], second[start : len(second) - end]
    if not first or not second or max(len(first), len(second)) > _COMPARED_LENGTH:
        return max(len(first), len(second))
    return _bit_parallel_distance(first, second)


def _bit_parallel_distance(pattern: str, text: str) -> int:
    """Myers' algorithm in Hyyrö's form: one column of the table is two integers of `pattern` bits.

    `up` and `down` hold where a column's values rise and fall by one from row to row.
    """
    length = len(pattern)
    full = (1 << length) - 1
    last = 1 << (length - 1)
    places: dict[str, int] = {}
    for index, character in enumerate(pattern):
        places[character] = places.get(character, 0) | (1 << index)
    up, down, distance = full, 0, length
    for character in text:
        match = places.get(character, 0)
        diagonal = ((((match & up) + up) ^ up) | match | down) & full
        right_up = (down | ~(diagonal | up)) & full
        right_down = up & diagonal
        if right_up & last:
            distance += 1
        if right_down & last:
            distance -= 1
        right_up = ((right_up << 1) | 1) & full
        right_down = (right_down << 1) & full
        up = (right_down | ~(diagonal | right_up)) & full
        down = right_up & diagonal
    return distance


def _outgoing(action: Choice, drafted: StoredDraft | None, text: str | None) -> _Outgoing:
    if action == "accept":
        if drafted is None:
            raise _no_draft()
        final = sendable(drafted.draft.text)
        if not final:
            raise _no_draft()
        return _Outgoing("accepted", final, 0)
    # What was typed over a draft may still bear the draft's marks; free text is left as typed.
    final = sendable(text or "") if drafted else clean(text or "")
    if not final.strip():
        raise DecisionRefused("There is no text to send. Nothing was stored.", "empty_text")
    if drafted is None:
        return _Outgoing("rewritten", final, 0)
    proposed = sendable(drafted.draft.text)
    distance = edit_distance(proposed, final)
    rewritten = distance > _REWRITTEN_SHARE * max(len(proposed), len(final))
    return _Outgoing("rewritten" if rewritten else "edited", final, distance)


def _pass_gate(
    store: Store,
    gate: Gate,
    conversation: str,
    text: str,
    language: Language,
    override: str | None,
    who: str,
) -> _Passed:
    """The text as it may leave; masking rules star out what must not be told, override or not."""
    turns = store.conversations.turns(conversation)
    screening = gate.screen(text, "agent", language=language, turns=turns)
    hits = (*screening.hits, *screening.shadow)
    stopped = screening.action in STOPPING
    final, kept = masked(text, screening), placed_in_masked(hits, screening)
    if not stopped and not screening.scripts:
        return _Passed(final, kept)
    allowed, own = override_of(screening), False
    if allowed == "approved":
        approval = store.approvals.standing_for(conversation, text)
        if approval is not None and approval.state == "approved":
            own = same_person(approval.answered_by, who)
            if not own:
                return _Passed(final, kept, override or approval.reason, approval)
    elif allowed != "never" and override:
        return _Passed(final, kept, override)
    with _writing(store, conversation):
        store.hits.add_all(conversation, None, text, hits, rules=gate.version, agent=who)
    if not stopped:
        raise _kept_back("script_missing", text, screening)
    if not override and not own:
        raise _kept_back("blocked", text, screening)
    raise _kept_back("needs_lead" if allowed == "approved" else "no_override", text, screening)


_KEPT_BACK = {
    "blocked": "A red-line rule keeps this text back. Nothing was sent; change the marked words.",
    "script_missing": "A mandatory script is missing. Nothing was sent; insert it and send again.",
    "needs_lead": "Only a lead, and not the agent who sends it, can let this text pass. "
    "Nothing was sent; change the marked words or ask the lead.",
    "no_override": "Nobody can let this text pass. Nothing was sent; change the marked words.",
}


def _kept_back(code: str, text: str, screening: Screening) -> SendRefused:
    return SendRefused(_KEPT_BACK[code], code, text, screening)


@contextlib.contextmanager
def _writing(store: Store, conversation: str) -> Iterator[None]:
    """One transaction in a conversation, in which nobody can delete its customer's data.

    Another process may have done so while the gate was reading: then nothing is written.
    """
    with store.transaction():
        _not_forgotten(store, conversation)
        yield


def _not_forgotten(store: Store, conversation: str) -> None:
    if store.conversations.get(conversation).forgotten_at is not None:
        raise forgotten_conversation()


def _stale() -> DecisionRefused:
    return DecisionRefused(
        "This draft no longer answers the newest message, or was decided on already. "
        "Nothing was sent; read the conversation again.",
        "draft_stale",
    )


def _no_draft() -> DecisionRefused:
    return DecisionRefused(
        "There is no draft for the newest message to decide on. Nothing was stored; "
        "write a reply yourself or ask for a draft.",
        "no_draft",
    )
