"""`zuoxi desk` and `zuoxi demo`. Alone, without options, they go `engine.cli.opening`'s way."""

from __future__ import annotations

from pathlib import Path

import typer

from engine.cli.console import Json, Session, a_path
from engine.cli.opening import load_window, open_desk, open_sample


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("desk")(desk)
    app.command("demo")(demo)


def desk(context: typer.Context) -> None:
    """Open the window."""
    session: Session = context.obj
    _own_language(session)
    raise typer.Exit(open_desk(session.folder))


def demo(
    context: typer.Context,
    headless: bool = typer.Option(False, "--headless", help="Offscreen, by itself."),
    out: Path = typer.Option(
        Path("zuoxi-demo"), "--out", metavar="DIR", help="For its record.", parser=a_path
    ),
    json: Json = False,
) -> None:
    """The sample company with replayed conversations, in a data folder of its own."""
    session: Session = context.obj
    if headless:
        raise typer.Exit(load_window("demo")(out, language=session.language, json=json))
    _own_language(session)
    raise typer.Exit(open_sample(session.folder))


def _own_language(session: Session) -> None:
    if session.spoken is not None:
        raise typer.BadParameter("the window speaks the language of its settings, not --language")
