"""`zuoxi desk` and `zuoxi demo`: the window, which the engine finds only by its entry point."""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import typer

from engine.cli.console import Json, Session
from engine.errors import InputError
from engine.paths import DataFolder

_PARTS = ("PySide6", "shiboken6", "qtawesome", "desktop", "desktop.app", "desktop.demo")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("desk")(desk)
    app.command("demo")(demo)


def desk(context: typer.Context) -> None:
    """Open the window."""
    session: Session = context.obj
    _need_display()
    raise typer.Exit(_window("desk")(session.folder))


def demo(
    context: typer.Context,
    headless: bool = typer.Option(False, "--headless", help="Offscreen, by itself."),
    out: Path = typer.Option(Path("zuoxi-demo"), "--out", metavar="DIR", help="For its record."),
    json: Json = False,
) -> None:
    """The sample company with replayed conversations, in a data folder of its own."""
    session: Session = context.obj
    if headless:
        raise typer.Exit(_window("demo")(out, language=session.language, json=json))
    _need_display()
    raise typer.Exit(_window("desk")(DataFolder(session.folder.root / "sample"), sample=True))


def _need_display() -> None:
    # Qt would end the whole process here, without a word that helps.
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise InputError(
            "There is no display for a window. Run `zuoxi demo --headless`, or any other command.",
            "no_display",
        )


def _window(name: str) -> Any:
    for point in entry_points(group="zuoxi.window", name=name):
        try:
            return point.load()
        except ModuleNotFoundError as error:
            if error.name not in _PARTS and (error.name or "").split(".")[0] not in _PARTS[:3]:
                raise
    raise InputError(
        "The window's parts (PySide6) are not installed; the other commands work without.",
        "no_window",
    )
