"""The engine as Qt sees it: one signal for each kind of event, always on the UI thread."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct
from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

from desktop.background import Background
from engine.protocol import (
    DraftFinished,
    DraftStarted,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    EngineStarting,
    Event,
    EvidenceFound,
    KnowledgeReloaded,
    ModelMemory,
    RequestFailed,
    SearchFinished,
    TextReleased,
    TextWithdrawn,
)
from engine.records import DraftMode, Turn

if TYPE_CHECKING:
    from engine.client import EngineClient


class EngineState(Struct, frozen=True):
    """What is known of the engine; None where nothing was heard yet.

    `ready` is kept over a restart, so that it can be told what the engine was working with.
    """

    phase: str = "off"
    step: str = ""
    ready: EngineReady | None = None
    failed: EngineFailed | None = None
    restarted: EngineRestarted | None = None

    @property
    def drafts(self) -> bool:
        """Whether a draft can be asked for: it runs, has a model and holds knowledge."""
        ready = self.ready
        return (
            self.phase == "ready"
            and ready is not None
            and not ready.model_error
            and not ready.knowledge_error
            and ready.passages > 0
        )


class EngineBridge(QObject):
    """Asks the engine and tells what it answers. All methods are for the UI thread and return
    at once; `start`, `restart` and `close` do their work in the engine's lane."""

    starting = Signal(object)
    ready = Signal(object)
    failed = Signal(object)
    restarted = Signal(object)
    draft_started = Signal(object)
    evidence_found = Signal(object)
    text_released = Signal(object)
    text_withdrawn = Signal(object)
    draft_finished = Signal(object)
    search_finished = Signal(object)
    knowledge_reloaded = Signal(object)
    request_failed = Signal(object)
    state_changed = Signal(object)
    _event = Signal(object)

    def __init__(
        self, background: Background, config: EngineConfig, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._background = background
        self._config = config
        self._state = EngineState()
        self._started = False
        self._closed = False
        self._signals = {
            EngineStarting: self.starting,
            EngineReady: self.ready,
            EngineFailed: self.failed,
            EngineRestarted: self.restarted,
            DraftStarted: self.draft_started,
            EvidenceFound: self.evidence_found,
            TextReleased: self.text_released,
            TextWithdrawn: self.text_withdrawn,
            DraftFinished: self.draft_finished,
            SearchFinished: self.search_finished,
            KnowledgeReloaded: self.knowledge_reloaded,
            RequestFailed: self.request_failed,
        }
        self._event.connect(self._dispatch, Qt.ConnectionType.QueuedConnection)

    @cached_property
    def _client(self) -> EngineClient:
        # Made when it is first needed: what it loads, the window does not wait for.
        from engine.client import EngineClient

        return EngineClient(self._config, self._from_client)

    @property
    def state(self) -> EngineState:
        """What the engine does now."""
        return self._state

    @property
    def model_memory(self) -> ModelMemory:
        """What the engine remembered of conversations when it last gave a sign of life."""
        return self._client.model_memory

    @property
    def pid(self) -> int | None:
        """The engine process's id while there is one."""
        return self._client.pid

    def start(self) -> None:
        """Start the engine; `starting`, then `ready` or `failed`, follow."""
        self._started = True
        self._background.run(self, self._client.start, "engine")
        self._become(EngineState("starting", "process"))

    def restart(self, config: EngineConfig) -> None:
        """Start anew with `config`; requests under way fail as ``cancelled``."""
        if not self._started:
            self._config = config
            with contextlib.suppress(AttributeError):
                del self._client
            return
        self._background.run(self, lambda: self._client.restart(config), "engine")
        self._become(EngineState("starting", "process"))

    def draft(
        self,
        turns: Sequence[Turn],
        *,
        as_of: str | None = None,
        mode: DraftMode = "auto",
        conversation: str = "",
        priority: int = 1,
    ) -> str:
        """Ask for a draft; the id that its events will bear. See `DraftRequest`."""
        return self._client.draft(
            turns, as_of=as_of, mode=mode, conversation=conversation, priority=priority
        )

    def prioritise(self, request_id: str, priority: int) -> None:
        """Change a draft's place among the others."""
        self._client.prioritise(request_id, priority)

    def search(
        self, query: str, *, k: int = 5, as_of: str | None = None, turns: Sequence[Turn] = ()
    ) -> str:
        """Ask for passages; the id that the answer will bear."""
        return self._client.search(query, k=k, as_of=as_of, turns=turns)

    def reload_knowledge(self) -> str:
        """Have the engine open the newest knowledge; the id of the answer."""
        return self._client.reload_knowledge()

    def forget(self, conversations: Sequence[str]) -> None:
        """Have the engine remember nothing of these conversations."""
        self._client.forget(conversations)

    def cancel(self, request_id: str) -> None:
        """Give a request up."""
        self._client.cancel(request_id)

    def close(self) -> None:
        """End the engine. To be called before the background's lanes are closed."""
        self._closed = True
        if self._started:
            self._background.run(self, self._client.close, "engine")

    def _from_client(self, event: Event) -> None:
        # On the client's thread, which may outlive the window by a moment.
        if not self._closed and isValid(self):
            self._event.emit(event)

    def _dispatch(self, event: Event) -> None:
        if self._closed:
            return
        self._follow(event)
        self._signals[type(event)].emit(event)

    def _follow(self, event: Event) -> None:
        old = self._state
        if isinstance(event, EngineStarting):
            # While serving, a step means that the knowledge is opened again.
            if old.phase != "ready":
                phase = "restarted" if old.restarted else "starting"
                self._become(EngineState(phase, event.step, old.ready, None, old.restarted))
        elif isinstance(event, EngineReady):
            self._become(EngineState("ready", "", event))
        elif isinstance(event, EngineFailed):
            self._become(EngineState("failed", "", None, event))
        elif isinstance(event, EngineRestarted):
            self._become(EngineState("restarted", "process", old.ready, None, event))
        elif isinstance(event, KnowledgeReloaded) and old.ready is not None:
            ready = EngineReady(
                old.ready.model,
                old.ready.embedder,
                event.knowledge,
                event.passages,
                old.ready.rules,
                old.ready.offload,
                old.ready.model_error,
                "",
            )
            self._become(EngineState(old.phase, old.step, ready, old.failed, old.restarted))

    def _become(self, state: EngineState) -> None:
        self._state = state
        self.state_changed.emit(state)
