"""A channel that plays conversations from a script, for trying the program out.

The script is JSON Lines, one conversation each: history (`turns`), the customer's first messages
(`opening`), what the customer answers to an agent (`replies`: the first unused one of which a
`when` word stands in the agent's text; no words match any text) and, once all replies are used
up, a `closing` word. Seconds throughout: `start` after the replay began, `waited` before that,
`ago` before the first message, `after` it, `delay` after the agent's.

What has arrived is known from the store, so a replay that is begun anew goes on where it was.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from engine.errors import InputError, some_lines
from engine.reception import Received, receive
from engine.records import Language
from engine.redline.gate import Gate
from engine.store.rows import ExternalKey, StoredMessage
from engine.store.store import Store

SOURCE = "replay"
_CLOSING_DELAY = 8.0

Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Key = Annotated[str, Meta(min_length=1, max_length=200)]


class PastTurn(Struct, frozen=True):
    """A message exchanged before the replay, `ago` seconds before the first opening message."""

    role: Literal["customer", "agent"]
    text: str
    ago: Seconds = 0.0


class Opening(Struct, frozen=True):
    """A customer message that comes by itself, `after` seconds into the conversation."""

    text: str
    after: Seconds = 0.0


class Reply(Struct, frozen=True):
    """What the customer answers, once, to an agent's text with one of the words `when`."""

    text: str
    when: tuple[str, ...] = ()
    delay: Seconds = 10.0


class Scene(Struct, frozen=True):
    """One conversation of a script."""

    id: Key
    customer: str
    opening: Annotated[tuple[Opening, ...], Meta(min_length=1)]
    channel: str = SOURCE
    label: str = ""
    subject: str = ""
    start: Seconds = 0.0
    waited: Seconds = 0.0
    turns: tuple[PastTurn, ...] = ()
    replies: tuple[Reply, ...] = ()
    closing: str = ""


class Script(Struct, frozen=True):
    """What a file holds: its scenes, and what is wrong with the lines that were left out."""

    scenes: tuple[Scene, ...]
    skipped: tuple[InputError, ...] = ()

    @property
    def trouble(self) -> InputError | None:
        """All that was left out, in one word; None for nothing."""
        if not self.skipped:
            return None
        path = str(self.skipped[0].values["path"])
        lines = some_lines([int(str(error.values["line"])) for error in self.skipped])
        return InputError(
            f"{len(self.skipped)} lines of the replay script {path} cannot be used and were "
            f"skipped (line {lines}). All others are played.",
            "replay_lines_skipped",
            path=path,
            count=len(self.skipped),
            lines=lines,
        )


class Arrival(Struct, frozen=True):
    """A message whose time has come: hand it to `deliver`.

    `at` is when it was written (epoch seconds); `history` marks what was exchanged before.
    """

    key: str
    conversation: str
    role: Literal["customer", "agent"]
    text: str
    at: float
    customer: str
    channel: str
    label: str = ""
    subject: str = ""
    history: bool = False


class _Played:
    """One scene as far as it was played."""

    def __init__(self, scene: Scene, start: float) -> None:
        self.scene = scene
        self.start = start
        self.used: set[int] = set()
        self.answered: set[str] = set()
        self.closed = not scene.closing


def read_script(path: Path) -> Script:
    """The script at `path`, without the lines that cannot be used.

    Raises `InputError`: `replay_file`, and `replay_line` where no line at all can be used.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(
            f"The replay script {path} cannot be read ({error.strerror}).",
            "replay_file",
            path=str(path),
        ) from error
    scenes: dict[str, Scene] = {}
    skipped: list[InputError] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            scene = msgspec.json.decode(line, type=Scene)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            skipped.append(_bad_line(path, number, str(error)))
            continue
        if scene.id in scenes:
            skipped.append(_bad_line(path, number, "its id stands in an earlier line, too"))
            continue
        scenes[scene.id] = scene
    if skipped and not scenes:
        raise skipped[0]
    return Script(tuple(scenes.values()), tuple(skipped))


class Replay:
    """Plays a script against a clock that the caller looks at. No threads, no sleeping."""

    def __init__(self, script: Iterable[Scene], clock: Callable[[], float]) -> None:
        """`clock` gives epoch seconds; the replay begins now."""
        self._clock = clock
        began = clock()
        self._played = {scene.id: _Played(scene, began + scene.start) for scene in script}
        self._arrived: set[str] = set()
        self._queue: list[tuple[float, int, Arrival]] = []
        self._given: list[tuple[float, int, Arrival]] = []
        self._seen = began
        self._order = 0
        for played in self._played.values():
            self._begin(played)

    def restore(self, store: Store) -> None:
        """Go on where the replay that filled `store` was: nothing that arrived arrives again.

        Answers to what agents had sent, and that were still to come, are scheduled again; what is
        still to be handed to this channel is left to `sent`.
        """
        delivered = store.channel_keys.delivered(SOURCE)
        delivering = {departure.message.id for departure in store.outbox.delivering()}
        self._arrived |= delivered.keys()
        self._queue.clear()
        for played in self._played.values():
            first = delivered.get(_opening_key(played.scene, 0))
            if first is not None:
                written = store.conversations.message(first).at
                start = written - played.scene.opening[0].after + played.scene.waited
                # It has begun, whatever the clock says now.
                played.start = min(start, self._clock())
            self._begin(played)
            conversation = store.channel_keys.conversation(SOURCE, played.scene.id)
            if conversation is not None:
                self._repeat_sent(
                    played,
                    store.conversations.messages(conversation),
                    delivering.union(delivered.values()),
                )

    def due(self, now: float | None = None) -> list[Arrival]:
        """The messages whose time has come by `now`, in order; each is given once.

        When the clock was set back, what is to come is as far off as it was before.
        """
        moment = self._clock() if now is None else now
        if moment < self._seen:
            self._set_back(self._seen - moment)
        self._seen = moment
        self._given.clear()
        while self._queue and self._queue[0][0] <= moment:
            self._given.append(heapq.heappop(self._queue))
        return [arrival for _, _, arrival in self._given]

    def give_again(self, arrivals: Iterable[Arrival]) -> None:
        """These, of what `due` gave last, could not be stored: `due` gives them once more."""
        keys = {arrival.key for arrival in arrivals}
        for entry in self._given:
            if entry[2].key in keys:
                heapq.heappush(self._queue, entry)

    def next_at(self) -> float | None:
        """When the next message is due; None when nothing is left until an agent writes."""
        return self._queue[0][0] if self._queue else None

    def knows(self, conversation_key: str) -> bool:
        """Whether the conversation is in the script."""
        return conversation_key in self._played

    def sent(
        self, conversation_key: str, text: str, now: float | None = None, *, key: str = ""
    ) -> float | None:
        """An agent's message left: schedule the customer's answer, once for each `key`.

        Returns when the answer is due, None when the customer has nothing to say (also for a
        conversation that is not in the script).
        """
        played = self._played.get(conversation_key)
        if played is None:
            return None
        return self._answer(played, text, self._clock() if now is None else now, key)

    def _begin(self, played: _Played) -> None:
        scene = played.scene
        written = played.start - scene.waited
        for number, turn in enumerate(scene.turns):
            self._schedule(
                played,
                f"{scene.id}#turn{number}",
                turn.text,
                due=played.start,
                at=written - turn.ago,
                role=turn.role,
                history=True,
            )
        for number, message in enumerate(scene.opening):
            at = written + message.after
            self._schedule(
                played,
                _opening_key(scene, number),
                message.text,
                due=max(played.start, at),
                at=at,
            )

    def _repeat_sent(
        self, played: _Played, messages: list[StoredMessage], others: set[str]
    ) -> None:
        now = self._clock()
        for message in messages:
            own = message.role == "agent" and message.state == "sent"
            if own and message.id not in others and message.sent_at is not None:
                self._answer(played, message.text, min(message.sent_at, now), message.id)

    def _answer(self, played: _Played, text: str, now: float, key: str) -> float | None:
        if key and key in played.answered:
            return None
        played.answered.add(key)
        scene = played.scene
        folded = text.casefold()
        for number, reply in enumerate(scene.replies):
            if number in played.used:
                continue
            if not reply.when or any(word.casefold() in folded for word in reply.when):
                played.used.add(number)
                due = now + reply.delay
                self._schedule(played, f"{scene.id}#reply{number}", reply.text, due=due, at=due)
                return due
        if played.closed or len(played.used) < len(scene.replies):
            return None
        played.closed = True
        due = now + _CLOSING_DELAY
        self._schedule(played, f"{scene.id}#closing", scene.closing, due=due, at=due)
        return due

    def _set_back(self, seconds: float) -> None:
        self._queue = [
            (due - seconds, order, msgspec.structs.replace(arrival, at=arrival.at - seconds))
            for due, order, arrival in self._queue
        ]
        heapq.heapify(self._queue)

    def _schedule(
        self,
        played: _Played,
        key: str,
        text: str,
        *,
        due: float,
        at: float,
        role: Literal["customer", "agent"] = "customer",
        history: bool = False,
    ) -> None:
        if key in self._arrived:
            return
        scene = played.scene
        arrival = Arrival(
            key=key,
            conversation=scene.id,
            role=role,
            text=text,
            at=at,
            customer=scene.customer,
            channel=scene.channel,
            label=scene.label,
            subject=scene.subject,
            history=history,
        )
        self._order += 1
        heapq.heappush(self._queue, (due, self._order, arrival))


def deliver(
    store: Store, gate: Gate, arrival: Arrival, *, language: Language = "zh"
) -> Received | None:
    """Store an arrival, once however often it is delivered; a new customer message is screened.

    Returns None for history.
    """
    accept: Callable[..., Received | StoredMessage]
    if not arrival.history:
        accept = partial(receive, store, gate, language=language)
    elif arrival.role == "agent":
        accept = store.conversations.append_agent
    else:
        accept = partial(store.conversations.receive, history=True)
    accepted = accept(
        arrival.customer,
        arrival.text,
        channel=arrival.channel,
        at=arrival.at,
        label=arrival.label,
        subject=arrival.subject,
        key=ExternalKey(SOURCE, arrival.conversation, arrival.key),
    )
    return accepted if isinstance(accepted, Received) else None


def _opening_key(scene: Scene, number: int) -> str:
    return f"{scene.id}#opening{number}"


def _bad_line(path: Path, number: int, detail: str) -> InputError:
    return InputError(
        f"Line {number} of the replay script {path.name} cannot be used: {detail}. "
        "It is not played.",
        "replay_line",
        path=path.name,
        line=number,
        detail=detail,
    )
