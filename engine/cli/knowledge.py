"""`zuoxi kb …`: put knowledge in, look into it, take it out."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from engine.cli import synonyms
from engine.cli.console import (
    Json,
    Session,
    a_path,
    emit,
    end_progress,
    progress,
    refuse,
    report,
    show,
)
from engine.client import uninterrupted
from engine.errors import InputError, ZuoxiError
from engine.settings import engine_config
from engine.texts import explain, text

if TYPE_CHECKING:
    from engine.knowledge.documents import Skipped
    from engine.knowledge.job import Job
    from engine.knowledge.reports import ImportReport

group = typer.Typer(
    help="Knowledge: import, rebuild, search, list, remove, gaps, synonyms.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    synonyms.register(group)
    app.add_typer(group, name="kb")


@group.command("import")
def import_(
    context: typer.Context,
    sources: list[Path] = typer.Argument(
        metavar="PATH...", help="Files or folders.", parser=a_path
    ),
    json: Json = False,
) -> None:
    """Import files or folders; documents of the same file name are replaced."""
    from engine.knowledge.catalogue import current
    from engine.knowledge.documents import collect
    from engine.knowledge.job import ImportJob
    from engine.knowledge.reports import ImportReport

    session: Session = context.obj
    config = engine_config(session.folder, session.settings)
    files, left_out = collect(sources)
    if files:
        job = ImportJob(session.folder.knowledge, sources, Path(config.embedder))
        report = _followed(job, session)
    else:
        # Nothing to start an embedder for.
        known = current(session.folder.knowledge)
        report = ImportReport(0, 0, tuple(left_out), str(known.version) if known else "")
    if not report.documents:
        for item in [] if json else _skipped(report, session):
            show(_skipped_line(item))
        nothing = InputError(
            "Nothing was imported; the knowledge in use is unchanged.", "nothing_imported"
        )
        refuse(nothing, session, json=json, **_figures(report, session))
    _tell("cli.kb.imported", report, session, json=json)


@group.command("rebuild")
def rebuild(context: typer.Context, json: Json = False) -> None:
    """Make the index anew from the stored documents: after damage, or for another embedder."""
    from engine.knowledge.job import RebuildJob

    session: Session = context.obj
    config = engine_config(session.folder, session.settings)
    report = _followed(RebuildJob(session.folder.knowledge, Path(config.embedder)), session)
    _tell("cli.kb.rebuilt", report, session, json=json)


@group.command("search")
def search(
    context: typer.Context,
    query: str = typer.Argument(help="What is asked, as a customer would."),
    k: int = typer.Option(5, "-k", min=1, max=100, help="How many passages."),
    as_of: str = typer.Option("", "--as-of", help="The day asked for (YYYY-MM-DD); today."),
    internal: bool = typer.Option(False, "--internal", help="Internal passages too."),
    json: Json = False,
) -> None:
    """Search the knowledge as drafting does."""
    from engine.knowledge.embedding import load_embedder
    from engine.knowledge.search import Searcher

    session: Session = context.obj
    config = engine_config(session.folder, session.settings)
    day = checked_day(as_of)
    if not query.strip():
        raise no_question()
    searcher = Searcher.open(session.folder.knowledge, load_embedder(Path(config.embedder)))
    result = searcher.search(query, k=k, as_of=day, include_internal=internal)
    passages = [
        {
            "rank": item.rank,
            "doc": item.passage.doc,
            "title": item.passage.title,
            "section": item.passage.section,
            "text": item.passage.text,
            "score": round(item.score, 4),
            "valid_from": item.passage.valid_from,
            "valid_until": item.passage.valid_until,
        }
        for item in result.found
    ]
    if json:
        emit({"query": result.query, "passages": passages, "ms": round(result.ms, 2)})
        return
    for passage in passages:
        show(f"{passage['rank']}. {passage['doc']} › {passage['section']}  ({passage['score']})")
        show(f"   {passage['text']}")
    if not passages:
        show(text("cli.kb.none_found", session.language))


@group.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """The documents in the knowledge."""
    from engine.knowledge.catalogue import current, list_documents

    session: Session = context.obj
    rows = list_documents(session.folder.knowledge)
    if json:
        now = current(session.folder.knowledge)
        emit({"documents": rows, "version": str(now.version) if now else ""})
        return
    for row in rows:
        dates = f"{row.valid_from or ''}…{row.valid_until or ''}".strip("…")
        marks = " ".join(part for part in (dates, "internal" if row.internal else "") if part)
        show(f"{row.doc}  {row.title}  ({row.passages})  {marks}".rstrip())
    if not rows:
        show(text("cli.kb.empty", session.language))


@group.command("remove")
def remove(
    context: typer.Context,
    doc: str = typer.Argument(help="Its name, as `kb list` shows it."),
    json: Json = False,
) -> None:
    """Retire a document (by its file name)."""
    from engine.knowledge.job import RemoveJob

    session: Session = context.obj
    job = RemoveJob(session.folder.knowledge, doc)
    with uninterrupted():
        job.start()
    version = job.result().version
    line = text("cli.kb.removed", session.language, doc=doc, version=version)
    report({"removed": doc, "version": version}, line, json=json)


@group.command("gaps")
def gaps(context: typer.Context, json: Json = False) -> None:
    """Questions that found no evidence, most frequent first."""
    from engine.store.store import open_store

    session: Session = context.obj
    with open_store(session.folder.database) as store:
        rows = store.gaps.list()
    if json:
        emit({"gaps": rows})
        return
    for row in rows:
        show(f"{row.count}× {row.question}")
    if not rows:
        show(text("cli.kb.no_gaps", session.language))


def _followed(job: Job, session: Session) -> ImportReport:
    """Start `job`, show how far it is, and wait for its end; Ctrl+C calls it off."""
    with uninterrupted():
        job.start()
    try:
        for event in job.events():
            progress(
                text(
                    f"cli.kb.{event.step}",
                    session.language,
                    done=event.done,
                    total=event.total,
                    doc=event.doc,
                )
            )
        return job.result()
    except KeyboardInterrupt:
        job.cancel()
        with contextlib.suppress(ZuoxiError):
            job.result()
        raise
    finally:
        end_progress()


def _tell(key: str, report: ImportReport, session: Session, *, json: bool) -> None:
    """Say what a job has done, in the words of `key` or as JSON."""
    figures = _figures(report, session)
    if json:
        emit(figures)
        return
    show(
        text(
            key,
            session.language,
            documents=report.documents,
            passages=report.passages,
            version=report.version or "-",
        )
    )
    for item in (*_skipped(report, session), *_told(report.partly, session)):
        show(_skipped_line(item))


def _figures(report: ImportReport, session: Session) -> dict[str, Any]:
    return {
        "documents": report.documents,
        "passages": report.passages,
        "skipped": _skipped(report, session),
        "partly": _told(report.partly, session),
        "version": report.version,
    }


def _skipped(report: ImportReport, session: Session) -> list[dict[str, str]]:
    return _told(report.skipped, session)


def _told(items: Sequence[Skipped], session: Session) -> list[dict[str, str]]:
    return [
        {"path": str(item.path), "reason": explain(item.error(), session.language)}
        for item in items
    ]


def _skipped_line(item: dict[str, str]) -> str:
    return f"  - {item['path']}: {item['reason']}"


def no_question() -> InputError:
    """Nothing was asked."""
    return InputError("There is no question to answer; give some text.", "empty_question")


def checked_day(day: str) -> str | None:
    """`day` when it is an ISO date, None when it is empty; raises `InputError` otherwise."""
    if not day:
        return None
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError as error:
        raise InputError(
            f"{day} is no date of the form YYYY-MM-DD.", "bad_date", day=day
        ) from error
