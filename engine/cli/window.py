"""`zuoxi desk` and `zuoxi demo`: the window, which the engine finds only by its entry point."""

from __future__ import annotations

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
    raise typer.Exit(_window("desk")(DataFolder(session.folder.root / "sample"), sample=True))


def _window(name: str) -> Any:
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
