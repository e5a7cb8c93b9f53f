"""Copies of the database beside it: one of the day, and those from before its form changed."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from engine.store.database import back_up, cannot_open, connect, translated

_SPARE_ROOM = 64 * 1024 * 1024
_DAY = 86_400.0


def back_up_daily(path: Path) -> bool:
    """Leave a copy beside the database unless the last one is less than a day old; whether it did.

    Where the disk has little room left there is no new one. For any thread. Raises `StoreError`.
    """
    target = _daily(path)
    if target.exists() and 0 <= time.time() - target.stat().st_mtime < _DAY:
        return False
    return _copy(path, target)


def renew_copies(path: Path) -> None:
    """Take away all copies beside the database and leave one of what it holds now, if one was.

    Where the disk has little room left there is no new one. For any thread. Raises `StoreError`.
    """
    had = _daily(path).exists()
    try:
        for end in ("*.bak", "*.bak.tmp", "rehearsal", "salvage*"):
            for copy in path.parent.glob(f"{path.name}.{end}"):
                copy.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_open(path, error) from error
    if had:
        _copy(path, _daily(path))


def _daily(path: Path) -> Path:
    return path.with_name(f"{path.name}.daily.bak")


def _copy(path: Path, target: Path) -> bool:
    if shutil.disk_usage(path.parent).free < 4 * path.stat().st_size + _SPARE_ROOM:
        return False
    with translated(path), contextlib.closing(connect(path, "ro")) as own:
        back_up(own, target)
    return True
