"""`zuoxi bench`: how fast this machine is, each figure beside its peer."""

from __future__ import annotations

from pathlib import Path

import typer
from msgspec.structs import replace

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
    language: str = typer.Option("", "--language", help="zh or en; else that of the settings."),
    json: Json = False,
) -> None:
    """Measure speed and memory in up to five minutes; writes in a temporary folder only."""
    from engine.bench.machine import this_machine
    from engine.bench.runner import SECONDS, measure_all
    from engine.bench.suite import Measure, choose
    from engine.bench.table import markdown, page

    session: Session = context.obj
    if language not in ("", "zh", "en"):
        raise typer.BadParameter("--language is zh or en")
    spoken = "zh" if language == "zh" else "en" if language == "en" else session.language
    config = replace(engine_config(session.folder, session.settings), language=spoken)
    chosen = choose(only, full=full)
    bound = sum(measure.seconds for measure in chosen) if full or only else SECONDS

    def started(measure: Measure) -> None:
        progress(text("bench.measuring", spoken, name=", ".join(measure.figures)))

    machine = this_machine(config)
    try:
        figures = list(measure_all(chosen, config, spoken, seconds=bound, started=started))
    finally:
        end_progress()
    report({"machine": machine, "figures": figures}, markdown(machine, figures, spoken), json=json)
    if write is not None:
        _write(write, page(machine, figures, spoken))
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
