"""`zuoxi bench`: how fast this machine is, each figure beside its peer."""

from __future__ import annotations

from pathlib import Path

import typer

from engine.cli.console import Json, Session, end_progress, progress, report
from engine.errors import InputError
from engine.settings import engine_config
from engine.texts import text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench")(bench)


def bench(
    context: typer.Context,
    only: str = typer.Option("", "--only", metavar="NAME", help="Names that begin like this."),
    full: bool = typer.Option(False, "--full", help="The long ones too: about half an hour."),
    write: Path | None = typer.Option(
        None, "--write", metavar="FILE", help="Write the table to this file too."
    ),
    json: Json = False,
) -> None:
    """Measure speed and memory in up to five minutes; writes in a temporary folder only."""
    from engine.bench.machine import this_machine
    from engine.bench.runner import SECONDS, measure_all
    from engine.bench.suite import Measure, choose
    from engine.bench.table import markdown, page

    session: Session = context.obj
    language = session.language
    config = engine_config(session.folder, session.settings)
    chosen = choose(only, full=full)
    bound = sum(measure.seconds for measure in chosen) if full or only else SECONDS

    def started(measure: Measure) -> None:
        progress(text("bench.measuring", language, name=", ".join(measure.figures)))

    machine = this_machine(config)
    try:
        figures = list(measure_all(chosen, config, language, seconds=bound, started=started))
    finally:
        end_progress()
    result = {"machine": machine, "figures": figures}
    report(result, markdown(machine, figures, language), json=json)
    if write is not None:
        _write(write, page(machine, figures, language))
    if any(figure.error for figure in figures):
        raise typer.Exit(1)


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}).",
            "bench_unwritable",
            name=str(path),
            detail=error.strerror or "",
        ) from error
