"""How a customer's message comes in: stored first, screened, handed over if it must be."""

from __future__ import annotations

from msgspec import Struct

from engine import texts
from engine.errors import RuleError
from engine.records import Language, Screening
from engine.redline.gate import Gate, spoken
from engine.store.conversations import forgotten_conversation
from engine.store.rows import ExternalKey, StoredHandover, StoredMessage
from engine.store.store import Store

RULES_FAILED = "rules_failed"


class Received(Struct, frozen=True):
    """A stored message, what the rules say of it, and its conversation's open case, if any."""

    message: StoredMessage
    screening: Screening
    handover: StoredHandover | None = None


def receive(
    store: Store,
    gate: Gate,
    customer: str,
    text: str,
    *,
    channel: str = "inbox",
    conversation: str | None = None,
    at: float | None = None,
    label: str = "",
    subject: str = "",
    kind: str | None = None,
    key: ExternalKey | None = None,
    language: Language = "zh",
) -> Received:
    """Take in a customer's message; arguments as in `Conversations.receive`.

    What the rules keep out of storage (a card number, a password) is masked before it is stored.
    If the rules cannot be run, the conversation is handed over (category `rules_failed`): no draft
    is made and a human reads it. Raises `InputError` (`no_conversation`, `forgotten`: its data was
    deleted), `StoreError`; once the message is stored it is not lost, `catch_up` screens it later.
    """
    storable = _storable(gate, text)
    with store.transaction():
        if conversation is not None:
            known = store.conversations.get(conversation)
            if known.forgotten_at is not None:
                raise forgotten_conversation()
        message = store.conversations.receive(
            customer,
            storable,
            channel=channel,
            conversation=conversation,
            at=at,
            label=label,
            subject=subject,
            kind=kind,
            key=key,
        )
    return _screen(store, gate, message, language)


def catch_up(store: Store, gate: Gate, language: Language = "zh") -> list[Received]:
    """Screen the messages that were stored when the program ended before they were screened.

    The rules this is done by are noted in the audit where they are others than before.
    """
    store.audit.rules_in_use(gate.version)
    return [_screen(store, gate, message, language) for message in store.conversations.unscreened()]


def _storable(gate: Gate, text: str) -> str:
    try:
        return gate.for_storage(text)
    except RuleError:
        # Better kept whole than lost: it is handed over to a human in any case.
        return text


def _screen(store: Store, gate: Gate, message: StoredMessage, language: Language) -> Received:
    screening, case, rule = Screening(), None, ""
    # What the customer is told is in the customer's own language.
    theirs = spoken(message.text, language)
    try:
        turns = store.conversations.turns(message.conversation, until=message.id)[:-1]
        screening = gate.screen(message.text, "customer", language=language, turns=turns)
        if hit := gate.gravest(screening):
            case, rule = (hit.category, gate.script_of(hit, theirs)), hit.rule
    except Exception:
        # Whatever went wrong in the rules, the message must not pass as harmless.
        case = (RULES_FAILED, texts.text("store.script.rules_failed", theirs))
    with store.transaction():
        # What a channel delivers again, or another process screened, was acted on then.
        if not store.conversations.mark_screened(message.id):
            return Received(message, screening, store.handovers.open_case(message.conversation))
        found = (*screening.hits, *screening.shadow)
        store.hits.add_all(
            message.conversation, message.id, message.text, found, rules=gate.version
        )
        if case is None:
            return Received(message, screening, store.handovers.open_case(message.conversation))
        category, script = case
        handover = store.handovers.open(message.conversation, category, rule, script, message.id)
    return Received(message, screening, handover)
