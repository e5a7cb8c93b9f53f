"""A customer's data is deleted by another process while the gate reads: no word comes back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from answering import drafted

from engine.deciding import ask_for_approval, decide, object_to
from engine.errors import InputError
from engine.reception import receive
from engine.redline.gate import Gate
from engine.store.store import Store, open_store

INSULT = "您说的蠢货孔雀石是谁"
Act = Callable[[Store, Gate, str], object]

ACTS: dict[str, Act] = {
    "accept": lambda store, gate, here: decide(store, gate, here, "accept"),
    "edit": lambda store, gate, here: decide(store, gate, here, "edit", text="孔雀石"),
    "kept back": lambda store, gate, here: decide(store, gate, here, "edit", text=INSULT),
    "ask": lambda store, gate, here: ask_for_approval(
        store, gate, here, "孔雀石", "小李", text=INSULT
    ),
    "object": lambda store, gate, here: object_to(
        store,
        gate,
        here,
        Gate(gate.rule_set).screen(INSULT, "agent").hits[0],
        "孔雀石",
        "小李",
        text=INSULT,
    ),
}


def words_in(folder: Path) -> list[str]:
    word = "孔雀石".encode()
    return [one.name for one in folder.iterdir() if word in one.read_bytes()]


class Deleting(Gate):
    """A gate during whose reading somebody deletes the customer's data."""

    def __init__(self, gate: Gate, path: Path, conversation: str) -> None:
        super().__init__(gate.rule_set)
        self._path, self._conversation = path, conversation

    def _screen(self, *arguments: object) -> object:  # type: ignore[override]
        with open_store(self._path) as other:
            other.forgetting.erase([self._conversation], who="王班长")
        return super()._screen(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_written_in_what_was_deleted_meanwhile(
    store: Store, gate: Gate, tmp_path: Path, act: str
) -> None:
    here = drafted(store, gate, text="孔雀石好", ask="我是孔雀石")
    with pytest.raises(InputError) as caught:
        ACTS[act](store, Deleting(gate, store.path, here), here)
    assert caught.value.code == "forgotten"
    assert store.outbox.pending() == [] and store.approvals.queue() == []
    assert store.forgetting.finish()
    assert words_in(tmp_path) == []
    assert store.verify_audit().sound


def test_a_message_that_is_being_screened_leaves_no_hit(
    store: Store, gate: Gate, tmp_path: Path
) -> None:
    here = receive(store, gate, "孔雀石", "在吗").message.conversation
    received = receive(
        store, Deleting(gate, store.path, here), "孔雀石", "孔雀石法庭上见", conversation=here
    )
    assert received.handover is None and store.hits.of(here) == []
    assert store.forgetting.finish()
    assert words_in(tmp_path) == []


def test_what_is_still_typed_is_not_kept(store: Store, gate: Gate, tmp_path: Path) -> None:
    here = drafted(store, gate)
    store.composers.put(here, "孔雀石")
    assert store.composers.get(here) == "孔雀石"
    with closing(open_store(store.path)) as other:
        other.forgetting.erase([here], who="王班长")
    store.composers.put(here, "孔雀石您")
    assert store.composers.all() == []
    assert store.forgetting.finish() and words_in(tmp_path) == []
