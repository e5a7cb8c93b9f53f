"""Whose turn it is: the open conversation's draft before all others, those in turn."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterator

from engine.drafting.pipeline import Worked
from engine.protocol import DraftRequest, Event

AT_ONCE = 4

Steps = Iterator[Event | Worked]


class Scheduled:
    """A draft that is asked for. `steps` is its generator, None until it has begun."""

    def __init__(self, request: DraftRequest, order: int) -> None:
        self.request = request
        self.priority = request.priority
        self.steps: Steps | None = None
        self.advanced = 0
        self._order = order

    @property
    def rank(self) -> tuple[int, int]:
        """What is less goes first."""
        return self.priority, self._order

    def shares(self) -> bool:
        """Whether its steps may be done in one batch with those of others."""
        return self.priority != 0 and not self.request.alone


class Schedule:
    """The drafts that are asked for and not finished. `next` may be asked between any two steps.

    A draft of priority 0 is advanced by itself. Of the others up to `at_once` are under way, begun
    by priority and then in the order they came, one step each in turn. One that is paused goes on
    later where it was. While one that must be alone is under way, nothing else is.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self.at_once = at_once
        self._drafts: dict[str, Scheduled] = {}
        self._orders = itertools.count(1)
        self._steps = itertools.count(1)

    def __len__(self) -> int:
        return len(self._drafts)

    def add(self, request: DraftRequest) -> None:
        """A draft is asked for."""
        self._drafts[request.id] = Scheduled(request, next(self._orders))

    def prioritise(self, request_id: str, priority: int) -> None:
        """Change a draft's place; nothing happens when it is finished."""
        if draft := self._drafts.get(request_id):
            draft.priority = priority

    def remove(self, request_id: str) -> bool:
        """A draft is finished, or is to be left where it is; False when there is no such draft."""
        draft = self._drafts.pop(request_id, None)
        if draft is not None and isinstance(draft.steps, Generator):
            # What fails in its clearing up concerns a draft that nobody waits for.
            with contextlib.suppress(Exception):
                draft.steps.close()
        return draft is not None

    def next(self) -> Scheduled | None:
        """The draft whose step is to be done now; None when none is asked for."""
        begun = [one for one in self._drafts.values() if one.steps is not None]
        waiting = min(
            (one for one in self._drafts.values() if one.steps is None),
            key=lambda one: one.rank,
            default=None,
        )
        if waiting is not None and self._may_begin(waiting, begun):
            begun.append(waiting)
        begun.sort(key=lambda one: one.rank)
        if not begun:
            return None
        chosen = begun[0]
        if chosen.priority != 0:
            chosen = min(begun[: self.at_once], key=lambda one: one.advanced)
        chosen.advanced = next(self._steps)
        return chosen

    def _may_begin(self, draft: Scheduled, begun: list[Scheduled]) -> bool:
        if draft.request.alone or any(one.request.alone for one in begun):
            return not begun
        return draft.priority == 0 or len(begun) < self.at_once
