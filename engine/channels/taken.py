"""What a channel has taken over for its customers: a file of keys that no message enters twice.

One JSON line per message: its key (the message's id), its conversation, text and time. A line is
on the disk before `take` returns; a line that a crash cut short never counts.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import StoreError


class Taken(Struct, frozen=True):
    """A message that is with the channel. `at`: epoch seconds."""

    key: str
    conversation: str
    text: str
    at: float


class TakenFile:
    """The messages that a channel has; made empty if the file is not there."""

    def __init__(self, path: Path) -> None:
        """Read what was taken before. Raises `StoreError` (`channel_file`)."""
        self._path = path
        try:
            whole = path.read_bytes() if path.exists() else b""
            # After the last line break stands what a crash cut short.
            self._end = whole.rfind(b"\n") + 1
            if self._end < len(whole):
                os.truncate(path, self._end)
        except OSError as error:
            raise self._failed(error) from error
        self._taken: dict[str, Taken] = {}
        for line in whole[: self._end].splitlines():
            try:
                one = msgspec.json.decode(line, type=Taken)
            except (msgspec.DecodeError, UnicodeDecodeError):
                # A damaged line says nothing of its key; the others do.
                continue
            self._taken[one.key] = one

    def __contains__(self, key: str) -> bool:
        return key in self._taken

    def all(self) -> list[Taken]:
        """Everything taken, oldest first."""
        return list(self._taken.values())

    def take(self, taken: Taken) -> bool:
        """Take a message over, durable on return; False when its key was taken before.

        Raises `StoreError` (`channel_file`); then it was not taken.
        """
        if taken.key in self._taken:
            return False
        try:
            with self._path.open("ab") as file:
                try:
                    file.write(msgspec.json.encode(taken) + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    # Half a line, on a full disk, say.
                    os.truncate(self._path, self._end)
                    raise
                self._end = file.tell()
        except OSError as error:
            raise self._failed(error) from error
        self._taken[taken.key] = taken
        return True

    def _failed(self, error: OSError) -> StoreError:
        return _failed(self._path, error)


def blank_taken(path: Path, keys: Collection[str]) -> int:
    """Take the texts of these messages out of the file at `path`; how many there were.

    Their keys stay, so that none is taken twice. Each line keeps its length and place: whoever has
    the file open goes on. Raises `StoreError` (`channel_file`).
    """
    blanked = 0
    try:
        if not path.exists():
            return 0
        with path.open("r+b") as file:
            place = 0
            for line in file.read().splitlines(keepends=True):
                blank = _blank(line, keys)
                if blank is not None:
                    file.seek(place)
                    file.write(blank)
                    blanked += 1
                place += len(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _failed(path, error) from error
    return blanked


def _blank(line: bytes, keys: Collection[str]) -> bytes | None:
    try:
        taken = msgspec.json.decode(line, type=Taken)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if taken.key not in keys:
        return None
    bare = msgspec.json.encode(Taken(taken.key, "", "", taken.at))
    ending = line[len(line.rstrip(b"\r\n")) :]
    return bare.ljust(len(line) - len(ending)) + ending


def _failed(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The channel's file {path} cannot be written ({error.strerror}). Nothing was taken over.",
        "channel_file",
        path=str(path),
        why=error.strerror or type(error).__name__,
    )
