"""A replay under way: step by step in the lane of long jobs, so that others come between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace
from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.session.workshop_source import FIRST, replay_rows, replay_view
from desktop.widgets.workshop_values import ReplayRow, ReplayView
from engine.errors import ZuoxiError
from engine.records import Language
from engine.texts import explain

if TYPE_CHECKING:
    from engine.workshop.replay import Replayed

_SURE: Final = 2.0


class Replaying(QObject):
    """`changed` brings a `ReplayView`, `found` more rows for it. One replay at a time."""

    changed = Signal(object)
    found = Signal(object)

    def __init__(
        self,
        background: Background,
        begin: Callable[[], Iterator[Replayed]],
        language: Callable[[], Language],
        parent: QObject | None = None,
    ) -> None:
        """`begin` starts a replay; it and its steps run in the lane of long jobs."""
        super().__init__(parent)
        self._background, self._begin, self._language = background, begin, language
        self._steps: Iterator[Replayed] | None = None
        self._started = 0.0
        self._kept: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._view = ReplayView()

    @property
    def view(self) -> ReplayView:
        """How it stands."""
        return self._view

    def start(self, names: dict[str, str]) -> None:
        """Begin anew; `names` are those of the rules."""
        self.cancel()
        self._names, self._kept = names, {}
        self._started = time.monotonic()
        self._steps = self._begin()
        self._put(ReplayView("running"))
        self._next()

    def cancel(self) -> None:
        """Stop; what was found so far stays."""
        steps, self._steps = self._steps, None
        if steps is not None:
            self._close(steps)
            self._put(replace(self._view, phase="cancelled", left=None))

    def outdate(self) -> None:
        """The rules changed: what was found was found by others."""
        if self._steps is not None:
            self.cancel()
        if self._view.phase in ("done", "cancelled"):
            self._put(replace(self._view, phase="stale"))

    def forget(self) -> None:
        """Nothing is changed any more."""
        steps, self._steps = self._steps, None
        if steps is not None:
            self._close(steps)
        if self._view.phase != "none":
            self._put(ReplayView())

    def _close(self, steps: Iterator[Replayed]) -> None:
        def close() -> None:
            ending = getattr(steps, "close", None)
            if ending is not None:
                ending()

        self._background.run(self, close, "long").failed(lambda _: None)

    def _next(self) -> None:
        steps = self._steps
        if steps is None:
            return
        self._background.run(self, lambda: next(steps, None), "long").done(
            lambda found: self._on_step(steps, found)
        ).failed(lambda error: self._on_failed(steps, error))

    def _on_step(self, steps: Iterator[Replayed], found: Replayed | None) -> None:
        if steps is not self._steps:
            return
        if found is None:
            self._steps = None
            self._put(replace(self._view, phase="done", left=None))
            return
        self._put(replay_view(found, self._left(found), self._names))
        rows = tuple(one for one in replay_rows(found) if self._has_room(one))
        if rows:
            self.found.emit(rows)
        self._next()

    def _has_room(self, one: ReplayRow) -> bool:
        kinds = (one.kind, "flipped") if one.flips else (one.kind,)
        if all(self._kept.get(kind, 0) >= FIRST for kind in kinds):
            return False
        for kind in kinds:
            self._kept[kind] = self._kept.get(kind, 0) + 1
        return True

    def _left(self, found: Replayed) -> float | None:
        spent = time.monotonic() - self._started
        if spent < _SURE or not found.done:
            return None
        return spent / found.done * (found.total - found.done)

    def _on_failed(self, steps: Iterator[Replayed], error: ZuoxiError) -> None:
        if steps is self._steps:
            self._steps = None
            self._put(ReplayView("failed", problem=explain(error, self._language())))

    def _put(self, view: ReplayView) -> None:
        self._view = view
        self.changed.emit(view)
