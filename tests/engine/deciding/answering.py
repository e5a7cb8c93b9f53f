"""A conversation to decide on, and a gate that cannot judge."""

from __future__ import annotations

from engine.reception import receive
from engine.records import Draft, Evidence
from engine.redline.gate import Gate
from engine.store.store import Store


class BrokenGate(Gate):
    """A gate whose rule engine fails."""

    def screen(self, *arguments: object, **options: object) -> object:  # type: ignore[override]
        raise MemoryError("out of memory in the matcher")


def drafted(
    store: Store, gate: Gate, text: str = "可以**免费**退[1]。", ask: str = "能退吗"
) -> str:
    received = receive(store, gate, "王女士", ask)
    conversation = received.message.conversation
    evidence = (Evidence(1, "退换.md", "退换", "七天", "七天内免费退", 1.0),)
    draft = Draft("drafted", text, evidence=evidence)
    store.drafts.save(conversation, received.message.id, draft)
    return conversation
