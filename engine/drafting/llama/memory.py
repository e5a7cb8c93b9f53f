"""What was read of each conversation, kept so that it need not be read again.

A conversation's *track* is in one of the context's sequences as long as there is one for it, then
as a saved state in main memory, and is read again only when that is gone too. What all prompts
begin with is kept as a state of its own that a new conversation starts from.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection, Sequence
from typing import Protocol

from msgspec import Struct

from engine.protocol import ModelMemory

_WORTH_COPYING = 8
"""Tokens; a shorter common beginning is read as quickly as it is copied."""
_SMOOTHING = 0.2


class Sequences(Protocol):
    """What the memory needs of a context (`NativeContext`)."""

    def cut(self, sequence: int, length: int) -> bool: ...  # noqa: D102
    def clear(self) -> None: ...  # noqa: D102
    def save(self, sequence: int) -> bytearray: ...  # noqa: D102
    def restore(self, sequence: int, state: bytearray) -> bool: ...  # noqa: D102


class Saved(Struct, frozen=True):
    """The state of a sequence that held `tokens`."""

    tokens: tuple[int, ...]
    state: bytearray


class Track:
    """What was read for one conversation, and where it is now."""

    def __init__(self, conversation: str) -> None:
        self.conversation = conversation
        self.tokens: list[int] = []
        self.sequence: int | None = None
        self.saved: Saved | None = None
        self.used = 0
        self.busy = False


class ConversationMemory:
    """Tracks over `count` sequences, and at most `budget` bytes of saved states beside them.

    The track that was used the longest ago gives way first; one that is `busy` only when there is
    no other.
    """

    def __init__(self, sequences: Sequences, count: int, budget: int) -> None:
        self._sequences = sequences
        self._free = list(range(count))[::-1]
        self._budget = budget
        self._tracks: dict[str, Track] = {}
        self._seated: list[Track] = []
        self._beginnings: list[Saved] = []
        self._clock = itertools.count(1)
        # Seconds a token takes to be read, a byte to be saved and restored: as measured so far.
        self._reading = 0.0
        self._copying = 2e-9

    @property
    def use(self) -> ModelMemory:
        """How full it is now."""
        saved = sum(len(track.saved.state) for track in self._tracks.values() if track.saved)
        return ModelMemory(len(self._seated), len(self._tracks), saved)

    def open(self, conversation: str, prompt: Sequence[int]) -> Track:
        """The track on which `prompt` is to be read, holding as much of its beginning as can be.

        The last token is always left to be read: its logits are what the reply begins with. It is
        `busy` until it is closed.
        """
        track = self._tracks.get(conversation)
        if track is None or track.busy:
            track = Track(conversation)
            if conversation not in self._tracks:
                self._tracks[conversation] = track
        track.busy = True
        wanted = prompt[:-1]
        kept = common_length(track.saved.tokens if track.saved else track.tokens, wanted)
        best = max(
            self._beginnings, key=lambda one: common_length(one.tokens, wanted), default=None
        )
        shared = common_length(best.tokens, wanted) if best else 0
        if best is not None and shared >= kept + _WORTH_COPYING:
            self._unseat(track)
            track.saved, track.tokens = best, list(best.tokens)
            kept = shared
        self.seat(track)
        self.cut(track, min(kept, len(track.tokens)))
        return track

    def seat(self, track: Track, beside: Collection[Track] = ()) -> int:
        """Have `track` in a sequence, not taking one of those `beside` it; the tokens it holds.

        Fewer than before when its state is gone: the rest is to be read again.
        """
        track.used = next(self._clock)
        if track.sequence is not None:
            return len(track.tokens)
        if not self._free:
            self._make_room(beside)
        track.sequence = sequence = self._free.pop()
        self._seated.append(track)
        saved, track.saved = track.saved, None
        if saved is not None and self._sequences.restore(sequence, saved.state):
            track.tokens = list(saved.tokens)
        else:
            self._sequences.cut(sequence, 0)
            track.tokens = []
        return len(track.tokens)

    def cut(self, track: Track, length: int) -> None:
        """Forget what `track` holds behind its first `length` tokens."""
        if len(track.tokens) <= length or track.sequence is None:
            return
        if not self._sequences.cut(track.sequence, length):
            self._sequences.cut(track.sequence, 0)
            length = 0
        del track.tokens[length:]

    def close(self, track: Track) -> None:
        """The reply is written or given up; what was read stays."""
        track.busy = False
        if self._tracks.get(track.conversation) is not track:
            self._unseat(track)
        if track.sequence is None and track.saved is None:
            self._forget(track)

    def forget(self, conversations: Collection[str]) -> None:
        """Keep nothing of these conversations; what the sequences held of them is overwritten.

        The others leave their sequences meanwhile, as if room was to be made, and come back when
        they go on.
        """
        for track in [*self._seated, *self._tracks.values()]:
            if track.conversation in conversations:
                self._unseat(track)
                track.saved = None
                self._forget(track)
        for track in list(self._seated):
            self._set_aside(track)
        self._sequences.clear()

    def keep_beginning(self, track: Track) -> None:
        """Keep what `track` holds now for all conversations that will begin like it."""
        if track.sequence is None:
            return
        state = self._sequences.save(track.sequence)
        if state:
            self._beginnings = [*self._beginnings[-3:], Saved(tuple(track.tokens), state)]

    def begins(self, tokens: Sequence[int]) -> bool:
        """Whether these very tokens are kept as a beginning."""
        return any(one.tokens == tuple(tokens) for one in self._beginnings)

    def measured(self, tokens: int, seconds: float) -> None:
        """Reading `tokens` of a prompt took `seconds`."""
        self._reading = _smoothed(self._reading, seconds / max(1, tokens))

    @property
    def reading_speed(self) -> float:
        """Tokens of a prompt that are read in a second; 0 while it is not known."""
        return 1 / self._reading if self._reading else 0.0

    def _make_room(self, beside: Collection[Track]) -> None:
        movable = [track for track in self._seated if track not in beside]
        self._set_aside(min(movable, key=lambda track: (track.busy, track.used)))

    def _set_aside(self, track: Track) -> None:
        saved = self._save(track)
        self._unseat(track)
        track.saved = saved
        self._drop_surplus()
        if saved is None and not track.busy:
            self._forget(track)

    def _save(self, track: Track) -> Saved | None:
        """The state of `track`, where restoring it is quicker than reading again."""
        assert track.sequence is not None
        if not track.tokens:
            return None
        began = time.perf_counter()
        state = self._sequences.save(track.sequence)
        if state:
            seconds = 2 * (time.perf_counter() - began) / len(state)
            self._copying = _smoothed(self._copying, seconds)
        pays = self._copying * len(state) < (self._reading or 1) * len(track.tokens)
        return Saved(tuple(track.tokens), state) if state and pays else None

    def _unseat(self, track: Track) -> None:
        if track.sequence is not None:
            self._sequences.cut(track.sequence, 0)
            self._free.append(track.sequence)
            self._seated.remove(track)
            track.sequence = None
        track.tokens = []

    def _drop_surplus(self) -> None:
        saved = sorted(
            (track for track in self._tracks.values() if track.saved), key=lambda one: one.used
        )
        total = sum(len(track.saved.state) for track in saved if track.saved)
        for track in saved:
            if total <= self._budget or not track.saved:
                return
            total -= len(track.saved.state)
            track.saved = None
            if not track.busy:
                self._forget(track)

    def _forget(self, track: Track) -> None:
        if self._tracks.get(track.conversation) is track:
            del self._tracks[track.conversation]


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    ours, theirs = list(one), list(other)
    low, high = 0, min(len(ours), len(theirs))
    # Stretches are compared whole: one by one, a long prompt's take as long as writing a token.
    middle = high
    while low < high:
        if ours[low:middle] == theirs[low:middle]:
            low = middle
        else:
            high = middle - 1
        middle = (low + high + 1) // 2
    return low


def _smoothed(old: float, new: float) -> float:
    return new if not old else old + _SMOOTHING * (new - old)
