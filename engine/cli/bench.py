"""`zuoxi bench`: how fast this machine is, each figure beside its peer."""

from __future__ import annotations

import typer

from engine.cli.console import Json, Session, emit, end_progress, progress, show
from engine.settings import engine_config
from engine.texts import text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    context: typer.Context,
    only: str = typer.Option("", "--only", metavar="NAME", help="Names that begin like this."),
    json: Json = False,
) -> None:
    """Measure speed and memory in up to four minutes; writes in a temporary folder only."""
    from engine.bench.machine import this_machine
    from engine.bench.runner import measure_all
    from engine.bench.suite import Measure, choose
    from engine.bench.table import markdown

    session: Session = context.obj
    language = session.language
    config = engine_config(session.folder, session.settings)
    chosen = choose(only)

    def started(measure: Measure) -> None:
        progress(text("bench.measuring", language, name=", ".join(measure.figures)))

    machine = this_machine(config)
    try:
        figures = list(measure_all(chosen, config, language, started=started))
    finally:
        end_progress()
    if json:
        emit({"machine": machine, "figures": figures})
    else:
        show(markdown(machine, figures, language))
    if any(figure.error for figure in figures):
        raise typer.Exit(1)
