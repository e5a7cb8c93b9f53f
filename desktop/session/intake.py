"""How messages reach the desk: from channels, and from other processes through the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct
from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from engine import reception
from engine.channels import replay
from engine.channels.replay import Replay, Scene
from engine.errors import ZuoxiError
from engine.reception import Received
from engine.records import Language
from engine.redline.gate import Gate
from engine.store.rows import StoredMessage
from engine.store.store import Store

POLL_MS: Final = 300


class Channel(Protocol):
    """A way in and out. All methods are called on the store's thread."""

    def restore(self, store: Store) -> None:
        """Go on where the channel was when the program ended."""

    def receive(self, store: Store, gate: Gate, language: Language) -> list[str]:
        """Store what has come in; the conversations it belongs to."""

    def send(self, store: Store, message: StoredMessage) -> None:
        """A message has left for the customer; channels of other conversations ignore it."""


class ReplayChannel:
    """The sample company's customers."""

    def __init__(self, script: Sequence[Scene], clock: Callable[[], float]) -> None:
        self._replay = Replay(script, clock)

    def restore(self, store: Store) -> None:
        """See `Channel`."""
        self._replay.restore(store)

    def receive(self, store: Store, gate: Gate, language: Language) -> list[str]:
        """See `Channel`."""
        arrived: list[str] = []
        for arrival in self._replay.due():
            received = replay.deliver(store, gate, arrival, language=language)
            if received is not None:
                arrived.append(received.message.conversation)
        return arrived

    def send(self, store: Store, message: StoredMessage) -> None:
        """See `Channel`."""
        key = store.channel_keys.external(replay.SOURCE, message.conversation)
        if key is not None:
            self._replay.sent(key, message.text)


class _Look(Struct, frozen=True):
    """What one look into channels and store found."""

    version: int
    arrived: tuple[str, ...]


class Intake(QObject):
    """Looks every 300 ms. `arrived` names a conversation with a new customer message; `changed`
    tells that another process wrote, `looked` that a look is over."""

    arrived = Signal(str)
    changed = Signal()
    caught_up = Signal(int)
    looked = Signal()

    def __init__(
        self,
        background: Background,
        store: Store,
        gate: Gate,
        *,
        channels: Sequence[Channel] = (),
        language: Language = "zh",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._gate = gate
        self._channels = list(channels)
        self._language: Language = language
        self._version: int | None = None
        self._looking = False
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.look)

    def set_language(self, language: Language) -> None:
        """Screen in another language from now on."""
        self._language = language

    def add_channel(self, channel: Channel) -> None:
        """Take in from, and send to, one more channel."""
        self._run(lambda: channel.restore(self._store)).done(
            lambda _: self._channels.append(channel)
        )

    def start(self) -> None:
        """Screen what a crash left unscreened, then look at regular intervals."""
        channels = tuple(self._channels)

        def begin() -> list[Received]:
            for channel in channels:
                channel.restore(self._store)
            return reception.catch_up(self._store, self._gate, self._language)

        self._run(begin).done(self._begun).failed(lambda _: self._timer.start())

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    def send(self, message: StoredMessage) -> None:
        """Hand a message that has left to its channel."""
        channels = tuple(self._channels)

        def hand_over() -> None:
            for channel in channels:
                channel.send(self._store, message)

        self._run(hand_over)

    def look(self) -> None:
        """Look now."""
        if self._looking:
            return
        self._looking = True
        channels, language = tuple(self._channels), self._language

        def see() -> _Look:
            arrived: list[str] = []
            for channel in channels:
                arrived += channel.receive(self._store, self._gate, language)
            return _Look(self._store.data_version(), tuple(arrived))

        self._run(see).done(self._seen).failed(self._blind)

    def _begun(self, caught_up: list[Received]) -> None:
        self.caught_up.emit(len(caught_up))
        self.changed.emit()
        self._timer.start()
        self.look()

    def _seen(self, look: _Look) -> None:
        self._looking = False
        for conversation in dict.fromkeys(look.arrived):
            self.arrived.emit(conversation)
        if self._version is not None and look.version != self._version:
            self.changed.emit()
        self._version = look.version
        self.looked.emit()

    def _blind(self, _error: ZuoxiError) -> None:
        # A busy file for a moment: the next look sees the same.
        self._looking = False
