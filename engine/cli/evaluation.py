"""`zuoxi evaluate`: how well what is in use answers cases, beside a keyword bot and BM25."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from msgspec.structs import replace

from engine import paths
from engine.cli.console import Json, Session, emit, end_progress, progress, read_lines, say, show
from engine.errors import InputError
from engine.settings import engine_config
from engine.texts import text

if TYPE_CHECKING:
    from engine.evaluation.companies import Company
    from engine.evaluation.report import Report
    from engine.evaluation.results import Result
    from engine.evaluation.run import Models


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    context: typer.Context,
    cases: Path | None = typer.Option(
        None,
        "--cases",
        metavar="PATH",
        help="A file of cases, over the knowledge in use; or a folder of companies.",
    ),
    out: Path | None = typer.Option(
        None, "--out", metavar="DIR", help="Write evaluation.json and evaluation.html here."
    ),
    company: str = typer.Option("", "--company", metavar="NAME", help="This company alone."),
    limit: int = typer.Option(
        0, "--limit", min=0, metavar="N", help="N cases of each company, evenly chosen; 0: all."
    ),
    json: Json = False,
) -> None:
    """Draft cases and judge the drafts. Without --cases: the companies that ship for this."""
    from engine.evaluation.companies import only, spread

    session: Session = context.obj
    every = _companies(session, cases)
    chosen = only(every, company) if company else every
    for one in chosen:
        for line in one.skipped:
            say(
                text(
                    "evaluation.skipped",
                    session.language,
                    file=one.file,
                    line=line.line,
                    why=line.why,
                )
            )
    limited = [replace(one, cases=spread(one.cases, limit)) for one in chosen]
    if out is not None:
        _writable(out)
    report = replace(_evaluated(session, limited), available=sum(len(one.cases) for one in chosen))
    _tell(session, report, out, json=json)


def _companies(session: Session, cases: Path | None) -> list[Company]:
    from engine.evaluation.companies import companies_below, company_in_use

    if cases is None or cases.is_dir():
        return companies_below(cases or paths.EVALUATION)
    # Read as all commands read their files, told as they tell what is wrong with them.
    numbered = dict(read_lines(cases, blank=True))
    lines = [numbered[number] for number in sorted(numbered)]
    return [company_in_use(session.folder.knowledge, cases, "\n".join(lines))]


def _evaluated(session: Session, companies: Sequence[Company]) -> Report:
    """The report on `companies`. Ctrl+C ends it with a line that says what there is not."""
    # What a library would ask the network for is here or nowhere.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    began = time.monotonic()
    results: list[Result] = []
    models: Models | None = None
    try:
        progress(text("evaluation.loading", session.language))
        from engine.evaluation.report import Report, SkippedLine
        from engine.evaluation.run import load_models

        models = load_models(engine_config(session.folder, session.settings))
        for result in _results(session, companies, models):
            results.append(result)
        return Report(
            current=models.release,
            results=tuple(results),
            skipped=tuple(
                SkippedLine(one.file, line.line, line.why)
                for one in companies
                for line in one.skipped
            ),
            day=date.today().isoformat(),
            seconds=time.monotonic() - began,
        )
    except KeyboardInterrupt:
        end_progress()
        wanted = sum(len(one.cases) for one in companies)
        say(text("evaluation.interrupted", session.language, done=len(results), of=wanted))
        raise
    finally:
        end_progress()
        if models is not None:
            models.close()


def _results(session: Session, companies: Sequence[Company], models: Models) -> Iterator[Result]:
    from engine.evaluation.run import run_company

    for done, company in enumerate(companies, start=1):
        progress(text("evaluation.importing", session.language, name=company.name))
        solved = 0
        for place, result in enumerate(run_company(company, models), start=1):
            solved += result.solved
            progress(
                text(
                    "evaluation.progress",
                    session.language,
                    name=company.name,
                    place=place,
                    of=len(company.cases),
                    solved=solved,
                )
            )
            yield result
        end_progress()
        say(
            text(
                "evaluation.company_done",
                session.language,
                name=company.name,
                solved=solved,
                of=len(company.cases),
                companies_done=done,
                companies=len(companies),
            )
        )


def _tell(session: Session, report: Report, out: Path | None, *, json: bool) -> None:
    from engine.evaluation.report import PAGE_NAME, summary_lines, write

    if out is not None:
        try:
            write(report, out, session.language)
        except OSError as error:
            raise _unwritable(out, error) from error
        say(text("evaluation.written", session.language, page=out / PAGE_NAME))
    if json:
        emit(report.summary())
        return
    for line in summary_lines(report, session.language):
        show(line)


def _writable(folder: Path) -> None:
    """Find out before the long work whether its report can be kept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".evaluation.part"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"The report could not be written to {folder} ({error.strerror}).",
        "evaluation_unwritable",
        name=str(folder),
        detail=error.strerror or "",
    )
