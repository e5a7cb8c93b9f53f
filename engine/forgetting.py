"""A customer asks for deletion: found, counted, deleted; the same for window and command line."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.channels.taken import blank_taken
from engine.errors import InputError
from engine.paths import DataFolder
from engine.store.forgetting import Held, Why
from engine.store.rows import ConversationRow
from engine.store.store import Store

OUTSIDE = ("exports", "copies_by_hand", "memory")
"""What no deletion reaches (texts `customers.outside.…`): files that somebody exported, copies made
by hand or by the system, and main memory that was freed and not yet overwritten. A window has its
engine forget what was deleted, whoever deleted it."""


class Forgotten(Struct, frozen=True):
    """What was deleted. `records` are the numbers of its audit records.

    `finished` is False while traces may be left in the file's free space or its daily copy: another
    program has it open, or there is no room; the next start goes on by itself. `left` are paths of
    damaged databases set aside, which may hold some of it and must be deleted by hand.
    `older_records` of the audit hold up to 40 characters of each hit, numbers starred out: they
    were written by a version that chained these words.
    """

    held: Held
    records: tuple[int, ...]
    finished: bool
    left: tuple[str, ...] = ()
    older_records: int = 0


def found(store: Store, customer: str) -> list[ConversationRow]:
    """The conversation of that id alone, or all under exactly that name, oldest first.

    Raises `InputError` (`no_customer`) where there is none.
    """
    try:
        return [store.conversations.get(customer)]
    except InputError:
        named = store.forgetting.of(customer)
    if not named:
        raise InputError(
            "There is no conversation of that id or under exactly that name. Nothing was deleted.",
            "no_customer",
        )
    return named


def held(store: Store, conversations: Sequence[str]) -> Held:
    """How much there is of these conversations. Raises `InputError` (`no_conversation`)."""
    return store.forgetting.held(conversations)


def forget(
    store: Store,
    folder: DataFolder,
    conversations: Sequence[str],
    who: str,
    why: Why = "asked",
) -> Forgotten:
    """Delete what was written in these conversations, for good; durable on return.

    What was done stays countable: ids, times, actions, rules, agents' names, the audit. Raises
    `InputError` (`no_conversation`, `no_name`) and `StoreError`; then no conversation was deleted.
    """
    # First what only repeats messages: a crash in between loses nothing that is still needed.
    messages = [
        message.id for one in conversations for message in store.conversations.messages(one)
    ]
    blank_taken(folder.replay, frozenset(messages))
    erased = store.forgetting.erase(conversations, who=who, why=why)
    return Forgotten(
        held=erased.held,
        records=erased.records,
        finished=erased.finished,
        left=tuple(str(path) for path in store.forgetting.left()),
        older_records=erased.older_records,
    )
