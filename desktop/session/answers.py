"""A lead's answers to what this agent asked, in conversations that are not open."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from engine.errors import InputError
from engine.store.approvals import same_person
from engine.store.rows import Approval
from engine.store.store import Store


class _Answer(Struct, frozen=True):
    approval: Approval
    customer: str


class Answers(QObject):
    """`said` brings the key of a sentence and its values.

    What still waits is read from the store, so that a restart forgets nothing; what was approved
    and not sent by then is said once.
    """

    said = Signal(str, object)

    def __init__(
        self,
        background: Background,
        store: Store,
        opened: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """`opened` names the open conversation, which shows its answer by itself."""
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._opened = opened
        self._waiting: set[str] = set()
        self._looking = False

    def start(self, agent: str) -> None:
        """Take up what `agent` asked before this start."""

        def read() -> tuple[list[Approval], list[Approval]]:
            approvals = self._store.approvals
            return approvals.queue(), approvals.approved()

        def done(found: tuple[list[Approval], list[Approval]]) -> None:
            asked, approved = ([one for one in some if _by(one, agent)] for some in found)
            self._waiting |= {one.id for one in asked if one.state == "asked"}
            if approved:
                self.said.emit("desk.answer.unsent", {"n": len(approved)})

        if agent.strip():
            self._run(read).done(done).failed(lambda _: None)

    def watch(self, approval: Approval) -> None:
        """The agent asked for this just now."""
        self._waiting.add(approval.id)

    def look(self) -> None:
        """Another process, or another page, may have answered: look."""
        if self._looking or not self._waiting:
            return
        self._looking = True
        waiting = tuple(self._waiting)

        def read() -> list[_Answer]:
            return [answer for one in waiting if (answer := self._answer(one)) is not None]

        self._run(read).done(self._seen).failed(self._not_seen)

    def _answer(self, approval: str) -> _Answer | None:
        try:
            found = self._store.approvals.get(approval)
            if found.state == "asked":
                return None
            return _Answer(found, self._store.conversations.get(found.conversation).customer)
        except InputError:
            return None

    def _seen(self, answers: list[_Answer]) -> None:
        self._looking = False
        for answer in answers:
            found = answer.approval
            self._waiting.discard(found.id)
            if found.state in ("approved", "refused") and found.conversation != self._opened():
                values = {"name": found.answered_by, "customer": answer.customer}
                self.said.emit(f"desk.answer.{found.state}", values)

    def _not_seen(self, _error: object) -> None:
        self._looking = False


def _by(approval: Approval, agent: str) -> bool:
    return same_person(approval.asker, agent)
