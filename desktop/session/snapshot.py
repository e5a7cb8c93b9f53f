"""What the store knows of one conversation at one moment: all that the desk shows of it."""

from __future__ import annotations

from msgspec import Struct

from desktop.session.transcript import Window, read_bubbles
from desktop.widgets.values import Bubble, CaseView
from engine.deciding import sendable
from engine.errors import RuleError
from engine.records import Language, Screening
from engine.redline.gate import Gate
from engine.store.rows import ConversationRow, StoredDraft, StoredHandover
from engine.store.store import Store
from engine.texts import category_named


class Snapshot(Struct, frozen=True):
    """One conversation. `draft` is the undecided draft for its newest customer message.

    `screening` is what the gate says of that draft as it would be sent, None without one;
    `bubbles` are the newest ones, all of them when `whole`; `composer` is what was typed and not
    sent, `thumbed` whether the draft was marked as bad.
    """

    row: ConversationRow
    bubbles: tuple[Bubble, ...]
    whole: bool = True
    draft: StoredDraft | None = None
    screening: Screening | None = None
    thumbed: bool = False
    case_id: str = ""
    case: CaseView | None = None
    composer: str = ""


def read_snapshot(
    store: Store,
    gate: Gate,
    conversation: str,
    language: Language,
    window: Window | None = None,
) -> Snapshot:
    """Read a conversation. For the store's thread. Raises `InputError`, `StoreError`."""
    row = store.conversations.get(conversation)
    draft = store.drafts.latest(conversation)
    case = store.handovers.open_case(conversation)
    bubbles, whole = read_bubbles(store, conversation, window)
    return Snapshot(
        row=row,
        bubbles=bubbles,
        whole=whole,
        draft=draft,
        screening=_screening(store, gate, draft, language),
        thumbed=draft is not None and bool(store.feedback.of(draft.id)),
        case_id=case.id if case else "",
        case=case_view(case, gate, language) if case else None,
        composer=store.composers.get(conversation),
    )


def case_view(case: StoredHandover, gate: Gate, language: Language) -> CaseView:
    """A hand-over with the words of the rule that asked for it."""
    rule = next((rule for rule in gate.rule_set.rules if rule.id == case.rule), None)
    category = category_named(case.category, language)
    if rule is None:
        return CaseView(
            category,
            script=case.script,
            opened_at=case.opened_at,
            owner=case.taken_by,
            note=case.note,
        )
    return CaseView(
        category=category,
        level=rule.level,
        rule=rule.name.of(language),
        why=rule.why.of(language),
        advice=rule.advice.of(language),
        script=case.script,
        opened_at=case.opened_at,
        owner=case.taken_by,
        note=case.note,
    )


def _screening(
    store: Store, gate: Gate, draft: StoredDraft | None, language: Language
) -> Screening | None:
    if draft is None or draft.draft.status != "drafted":
        return None
    turns = store.conversations.turns(draft.conversation)
    try:
        return gate.screen(sendable(draft.draft.text), "agent", language=language, turns=turns)
    except RuleError:
        # A gate that cannot look lets nothing out; `decide` says so in words.
        return Screening(action="block")
