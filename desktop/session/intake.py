"""How messages reach the desk: from channels, and from other processes through the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct
from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from engine import reception
from engine.channels import replay
from engine.channels.replay import Replay, Scene
from engine.channels.taken import Taken, TakenFile
from engine.errors import StoreError, ZuoxiError
from engine.reception import Received
from engine.records import Language
from engine.redline.gate import Gate
from engine.store.rows import StoredMessage
from engine.store.store import Store
from engine.texts import explain

POLL_MS: Final = 300
_RETRY_MS: Final = 1_000


class Channel(Protocol):
    """A way in and out. All methods are called on the store's thread."""

    source: str
    """The channel's name for itself, as in its messages' `ExternalKey`."""

    def restore(self, store: Store) -> None:
        """Go on where the channel was when the program ended."""

    def receive(self, store: Store, gate: Gate, language: Language) -> list[str]:
        """Store what has come in; the conversations it belongs to.

        What cannot be stored (`StoreError`) stays with the channel and is received later.
        """

    def send(self, store: Store, message: StoredMessage) -> bool:
        """Take over a message for the customer; False when the conversation is not the channel's.

        `message.id` is the key: the same one again, after a crash, is the same message and reaches
        the customer once. Raises `ZuoxiError` when it cannot be taken over now.
        """


class ReplayChannel:
    """The sample company's customers. With `taken`, a file tells what has reached them."""

    source = replay.SOURCE

    def __init__(
        self, script: Sequence[Scene], clock: Callable[[], float], taken: Path | None = None
    ) -> None:
        self._replay = Replay(script, clock)
        self._clock = clock
        self._path = taken
        self._taken: TakenFile | None = None

    def restore(self, store: Store) -> None:
        """See `Channel`."""
        self._replay.restore(store)

    def receive(self, store: Store, gate: Gate, language: Language) -> list[str]:
        """See `Channel`."""
        arrived: list[str] = []
        due = self._replay.due()
        for number, arrival in enumerate(due):
            try:
                received = replay.deliver(store, gate, arrival, language=language)
            except ZuoxiError:
                self._replay.give_again(due[number:])
                raise
            if received is not None:
                arrived.append(received.message.conversation)
        return arrived

    def send(self, store: Store, message: StoredMessage) -> bool:
        """See `Channel`."""
        key = store.channel_keys.external(self.source, message.conversation)
        if key is None or not self._replay.knows(key):
            return False
        if self._path is not None:
            self._taken = self._taken or TakenFile(self._path)
            self._taken.take(Taken(message.id, key, message.text, self._clock()))
        self._replay.sent(key, message.text, key=message.id)
        return True


class _Look(Struct, frozen=True):
    """What one look into channels and store found."""

    version: int
    arrived: tuple[str, ...]


class Intake(QObject):
    """Looks every 300 ms. `arrived` names a conversation with a new customer message; `changed`
    tells that another process wrote, `looked` that a look is over, `delivered` that a message is
    with its channel. `trouble` is told once for as long as the same thing fails.
    """

    arrived = Signal(str)
    delivered = Signal(object)
    trouble = Signal(object)
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
        self._looking = self._stopped = False
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.look)
        self._delivering = self._deliver_again = False
        self._retry = QTimer(self)
        self._retry.setInterval(_RETRY_MS)
        self._retry.setSingleShot(True)
        self._retry.timeout.connect(self.deliver)
        self._told: set[str] = set()
        self._behind = False

    def set_language(self, language: Language) -> None:
        """Screen in another language from now on."""
        self._language = language

    def add_channel(self, channel: Channel) -> None:
        """Take in from, and send to, one more channel."""

        def add(_: None) -> None:
            self._channels.append(channel)
            self.deliver()

        self._run(lambda: channel.restore(self._store)).done(add)

    def start(self) -> None:
        """Screen what a crash left unscreened, then look at regular intervals."""
        channels = tuple(self._channels)

        def begin() -> list[Received]:
            for channel in channels:
                channel.restore(self._store)
            return reception.catch_up(self._store, self._gate, self._language)

        self._run(begin).done(self._begun).failed(self._not_begun)

    def stop(self) -> None:
        """Look no more; what is still to be delivered is delivered after the next start."""
        self._timer.stop()
        self._retry.stop()
        self._stopped = True

    def deliver(self) -> None:
        """Hand what has left to its channel. What was interrupted before is done again first."""
        if self._stopped or self._delivering:
            self._deliver_again = self._delivering
            return
        self._delivering = True
        channels = tuple(self._channels)

        def hand_over() -> tuple[list[StoredMessage], ZuoxiError | None]:
            done: list[StoredMessage] = []
            try:
                for departure in self._store.outbox.delivering():
                    message, source = departure.message, departure.source
                    takers = [one for one in channels if one.source == source]
                    # Where no channel brought the conversation, there is nobody to hand it to.
                    if source is None or any(one.send(self._store, message) for one in takers):
                        self._store.outbox.mark_delivered(message.id, time.time())
                        done.append(message)
            except ZuoxiError as error:
                return done, error
            return done, None

        self._run(hand_over).done(self._handed_over)

    def look(self) -> None:
        """Look now."""
        if self._looking:
            return
        self._looking = True
        channels, language, behind = tuple(self._channels), self._language, self._behind

        def see() -> _Look:
            caught_up = reception.catch_up(self._store, self._gate, language) if behind else []
            arrived = [one.message.conversation for one in caught_up]
            for channel in channels:
                arrived += channel.receive(self._store, self._gate, language)
            return _Look(self._store.data_version(), tuple(arrived))

        self._run(see).done(self._seen).failed(self._blind)

    def _begun(self, caught_up: list[Received]) -> None:
        self.caught_up.emit(len(caught_up))
        self.changed.emit()
        self._timer.start()
        self.look()
        self.deliver()

    def _not_begun(self, error: ZuoxiError) -> None:
        # What is unscreened stays so in the store; the next look begins with it.
        self._behind = True
        self._tell("messages_waiting", error)
        self._timer.start()
        self.deliver()

    def _seen(self, look: _Look) -> None:
        self._looking = self._behind = False
        self._told.discard("messages_waiting")
        for conversation in dict.fromkeys(look.arrived):
            self.arrived.emit(conversation)
        if self._version is not None and look.version != self._version:
            self.changed.emit()
        self._version = look.version
        self.looked.emit()

    def _blind(self, error: ZuoxiError) -> None:
        # Nothing is lost: what could not be stored is still with its channel.
        self._looking = False
        if error.code != "store_busy":
            self._tell("messages_waiting", error)

    def _handed_over(self, outcome: tuple[list[StoredMessage], ZuoxiError | None]) -> None:
        self._delivering = False
        done, error = outcome
        for message in done:
            self.delivered.emit(message)
        if error is not None:
            self._tell("deliveries_waiting", error)
            self._retry.start()
            return
        self._told.discard("deliveries_waiting")
        if self._deliver_again:
            self._deliver_again = False
            self.deliver()

    def _tell(self, code: str, error: ZuoxiError) -> None:
        if code not in self._told:
            self._told.add(code)
            why = explain(error, self._language)
            self.trouble.emit(StoreError(f"{code}: {error.message}", code, why=why))
