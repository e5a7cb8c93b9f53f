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


_COMMON = ("--data", "--language")

_WINDOWS: dict[tuple[str, ...], Callable[[DataFolder], int]] = {
    (): open_desk,
    ("desk",): open_desk,
    ("demo",): open_sample,
}


def plain_window(arguments: Sequence[str]) -> Callable[[], int] | None:
    """What opens the window, where the command line asks for nothing else.

    Without the parser and all commands, which take longer to load than the window does.
    """
    ordered = common_first(arguments)
    given, rest = _common(ordered)
    opening = _WINDOWS.get(tuple(rest))
    data = given.pop("--data", None)
    if opening is None or given or (data is not None and not data.strip()):
        return None

    def run() -> int:
        try:
            return opening(paths.data_folder(data))
        except (Exception, KeyboardInterrupt) as error:
            from engine.cli.app import explained

            return explained(error, ordered)

    return run


def common_first(arguments: Sequence[str]) -> list[str]:
    """What every command takes may stand anywhere; the parser wants it before the command.

    Of each the last one holds.
    """
    found: dict[str, list[str]] = {}
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        name = argument.partition("=")[0]
        if argument == "--":
            rest += [argument, *left]
        elif name not in _COMMON:
            rest.append(argument)
        elif argument == name:
            found[name] = [argument, *itertools.islice(left, 1)]
        else:
            found[name] = [argument]
    return [*itertools.chain.from_iterable(found.values()), *rest]


def common_of(arguments: Sequence[str]) -> dict[str, str]:
    """What the beginning of `common_first`'s arguments gives: values by name."""
    return _common(arguments)[0]


def command_of(arguments: Sequence[str]) -> str:
    """The command that `common_first`'s arguments name; "" for none."""
    return next(iter(_common(arguments)[1]), "")


def _common(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    given: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].partition("=")[0] in _COMMON:
        name, joined, value = rest.pop(0).partition("=")
        given[name] = value if joined else rest.pop(0) if rest else ""
    return given, rest


def streams_in_utf8() -> None:
    """Standard output and error write UTF-8, whatever the system's own encoding is."""
    import io

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
