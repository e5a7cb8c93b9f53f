"""The window, which the engine finds only by its entry point; and the short way to it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from engine import paths
from engine.errors import InputError
from engine.paths import DataFolder

_PARTS = ("PySide6", "shiboken6", "qtawesome", "desktop", "desktop.app", "desktop.demo")


def load_window(name: str) -> Any:
    """The function of the window that `name` stands for: desk, demo.

    Raises `InputError`: `no_window` where its parts are not installed, `window_parts` where they
    cannot be loaded.
    """
    from importlib.metadata import entry_points

    for point in entry_points(group="zuoxi.window", name=name):
        try:
            return point.load()
        except ModuleNotFoundError as error:
            if error.name not in _PARTS and (error.name or "").split(".")[0] not in _PARTS[:3]:
                raise
        except ImportError as error:  # Qt is there, a library of the system that it needs is not.
            raise InputError(
                f"The window's parts cannot be loaded ({error}).", "window_parts", detail=str(error)
            ) from error
    raise InputError(
        "The window's parts (PySide6) are not installed; the other commands work without.",
        "no_window",
    )


def open_desk(folder: DataFolder) -> int:
    """The window on a person's own data; the exit code."""
    code: int = load_window("desk")(folder)
    return code


def open_sample(folder: DataFolder) -> int:
    """The window on the sample company, which lives in a folder inside `folder`."""
    code: int = load_window("desk")(DataFolder(folder.root / "sample"), sample=True)
    return code


_WINDOWS: dict[tuple[str, ...], Callable[[DataFolder], int]] = {
    (): open_desk,
    ("desk",): open_desk,
    ("demo",): open_sample,
}


def plain_window(arguments: Sequence[str]) -> Callable[[], int] | None:
    """What opens the window, where the command line asks for nothing else.

    Without the parser and all commands, which take longer to load than the window does.
    """
    ordered = data_first(arguments)
    data = data_of(ordered)
    rest = ordered if data is None else ordered[1 if "=" in ordered[0] else 2 :]
    opening = _WINDOWS.get(tuple(rest))
    if opening is None or (data is not None and not data.strip()):
        return None

    def run() -> int:
        try:
            return opening(paths.data_folder(data))
        except (Exception, KeyboardInterrupt) as error:
            from engine.cli.app import explained

            return explained(error, ordered)

    return run


def data_first(arguments: Sequence[str]) -> list[str]:
    """`--data` may stand anywhere; the parser wants it before the command. The last one holds."""
    found: list[str] = []
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            rest += [argument, *left]
        elif argument == "--data":
            found = [argument, *itertools.islice(left, 1)]
        elif argument.startswith("--data="):
            found = [argument]
        else:
            rest.append(argument)
    return [*found, *rest]


def data_of(arguments: Sequence[str]) -> str | None:
    """The folder that `data_first`'s arguments name; None for none."""
    first = [*arguments[:2], "", ""]
    if first[0] == "--data":
        return first[1]
    return first[0].partition("=")[2] if first[0].startswith("--data=") else None


def streams_in_utf8() -> None:
    """Standard output and error write UTF-8, whatever the system's own encoding is."""
    import io

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
