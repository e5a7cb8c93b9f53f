"""The requests that wait for their answer, and who is to blame when a process dies of one."""

from __future__ import annotations

import threading
from collections.abc import Collection

from msgspec import Struct
from msgspec.structs import replace

from engine.client.life import Life
from engine.protocol import (
    DraftFinished,
    DraftRequest,
    DraftStarted,
    EvidenceFound,
    KnowledgeReloaded,
    ReloadKnowledge,
    RequestFailed,
    SearchFinished,
    SearchRequest,
    TextReleased,
    TextWithdrawn,
    encode,
)

Work = DraftRequest | SearchRequest | ReloadKnowledge
Told = (
    DraftStarted
    | EvidenceFound
    | TextReleased
    | TextWithdrawn
    | DraftFinished
    | SearchFinished
    | KnowledgeReloaded
    | RequestFailed
)
_ANSWERS = (DraftFinished, SearchFinished, KnowledgeReloaded, RequestFailed)


class _Waiting(Struct):
    """A request that waits. `life` is the process it was sent to.

    `begun`: work on it is under way there. `suspect`: a process died while it was.
    """

    request: Work
    life: int = 0
    begun: bool = False
    suspect: bool = False
    cancelled: bool = False

    @property
    def is_draft(self) -> bool:
        return isinstance(self.request, DraftRequest)


class Burial(Struct, frozen=True):
    """What becomes of a dead process's requests: those that end, with a code, and how many are
    to be sent again."""

    ended: list[tuple[str, str]]
    repeated: int


class Requests:
    """Any thread may call any method; `lock` may be held around several calls."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._waiting: dict[str, _Waiting] = {}

    def add(self, request: Work) -> None:
        """A new one."""
        with self.lock:
            self._waiting[request.id] = _Waiting(request)

    def ids(self) -> list[str]:
        """All, in the order in which they are to be sent to a new process."""
        with self.lock:
            # A search is answered at once: it should not meet what a draft may bring about.
            return sorted(self._waiting, key=lambda key: self._waiting[key].is_draft)

    def drafts_for(self, conversations: Collection[str]) -> list[str]:
        """The ids of those that ask for drafts for these conversations."""
        with self.lock:
            return [
                key
                for key, one in self._waiting.items()
                if isinstance(one.request, DraftRequest)
                and one.request.conversation in conversations
            ]

    def drop(self, request_id: str) -> bool:
        """Forget one; False when it was answered."""
        with self.lock:
            return self._waiting.pop(request_id, None) is not None

    def clear(self) -> list[str]:
        """Forget all; their ids."""
        with self.lock:
            ids = list(self._waiting)
            self._waiting.clear()
            return ids

    def send_to(self, life: int, request_id: str) -> bytes | None:
        """What to send to the process `life`; None when it has it or nobody waits for it."""
        with self.lock:
            one = self._waiting.get(request_id)
            if one is None or one.life == life:
                return None
            one.life, one.begun = life, False
            return encode(one.request)

    def call_off(self, life: int | None, request_id: str) -> bool:
        """Note that one is not wanted any more; whether the process `life` is to be told."""
        with self.lock:
            one = self._waiting.get(request_id)
            if one is None or one.life != life:
                return False
            one.cancelled = True
            return True

    def prioritise(self, request_id: str, priority: int) -> None:
        """A draft's place among the others, for whenever it is sent."""
        with self.lock:
            one = self._waiting.get(request_id)
            if one is not None and isinstance(one.request, DraftRequest):
                one.request = replace(one.request, priority=priority)

    def hear(self, event: Told, life: Life) -> bool:
        """Note an event of one that `life` sent; False when nobody waits for it."""
        with self.lock:
            one = self._waiting.get(event.id)
            if one is None:
                return False
            if isinstance(event, DraftStarted):
                one.begun = True
            elif isinstance(event, _ANSWERS):
                del self._waiting[event.id]
                life.answered = True
            return True

    def bury(self, life: Life) -> Burial:
        """Settle what the dead process was doing.

        What was under way is suspected. Suspected drafts are sent to be done alone, so that the
        next death is the fault of one: it ends.
        """
        with self.lock:
            had = {key: one for key, one in self._waiting.items() if one.life == life.number}
            ended = [(key, "cancelled") for key, one in had.items() if one.cancelled]
            under_way = [key for key, one in had.items() if one.begun]
            if life.ready_at is not None:
                # Searches are answered in order: of those it can only have been at the oldest.
                under_way += [key for key, one in had.items() if not one.is_draft][:1]
            for key in under_way:
                one = had[key]
                if one.suspect and not one.cancelled:
                    ended.append((key, "engine_restarted"))
                one.suspect = True
                if isinstance(one.request, DraftRequest):
                    one.request = replace(one.request, alone=True)
            for key, _ in ended:
                del self._waiting[key]
            return Burial(ended, len(had) - len(ended))
