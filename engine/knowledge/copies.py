"""Storing copies of documents: many at once, and on the disk before anything rests on them."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from engine.knowledge import catalogue

# A disk sees to some at once nearly as quickly as to one.
_AT_ONCE = 8
_OPEN = 64


class Copies:
    """Stores copies. Use it in a ``with``: at its end all are on the disk. Raises `OSError`."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "copies")
        self._written: list[BinaryIO] = []
        self._under_way: list[Future[None]] = []

    def __enter__(self) -> Copies:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._threads:
            self._see_to()
            if error is None:
                self._wait()

    def store(self, path: Path, data: bytes) -> None:
        """Put `data` into `path`. Until the end a crash may leave less of what is new there."""
        try:
            self._written.append(path.open("xb"))
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.store(path, data)
        except FileExistsError:
            # The version in use may rest on it.
            catalogue.replace(path, data)
        else:
            self._written[-1].write(data)
            # Their times tell in which order they came, should the catalogue be lost.
            self._written[-1].flush()
            if len(self._written) == _OPEN:
                self._wait()
                self._see_to()

    def _see_to(self) -> None:
        shares = [self._written[first::_AT_ONCE] for first in range(_AT_ONCE)]
        self._under_way = [self._threads.submit(_on_disk, share) for share in shares if share]
        self._written = []

    def _wait(self) -> None:
        for one in self._under_way:
            one.result()


def _on_disk(files: list[BinaryIO]) -> None:
    with contextlib.ExitStack() as every:
        for file in files:
            every.enter_context(file)
        for file in files:
            os.fsync(file.fileno())
