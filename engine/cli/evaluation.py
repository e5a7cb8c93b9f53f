"""`zuoxi evaluate`: how well what is in use answers cases, beside a keyword bot and BM25."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from msgspec.structs import replace

from engine import paths
from engine.cli.console import (
    Json,
    Session,
    a_path,
    emit,
    end_progress,
    progress,
    read_lines,
    say,
    show,
)
from engine.client.life import uninterrupted
from engine.errors import InputError
from engine.model_card import Mode, card_path, fingerprint, read_card, write_card
from engine.protocol import EngineConfig
from engine.records import Release
from engine.settings import engine_config
from engine.texts import text

if TYPE_CHECKING:
    from engine.evaluation.cases import Case
    from engine.evaluation.companies import Company
    from engine.evaluation.keeping import Kept
    from engine.evaluation.report import Report
    from engine.evaluation.results import Result


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
        parser=a_path,
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        metavar="DIR",
        help="Write evaluation.json and evaluation.html here; after a stop it goes on from here.",
        parser=a_path,
    ),
    company: str = typer.Option("", "--company", metavar="NAME", help="This company alone."),
    limit: int = typer.Option(
        0, "--limit", min=0, metavar="N", help="N cases of each company, evenly chosen; 0: all."
    ),
    mode: str = typer.Option("", "--mode", help="verbatim, free, or both side by side; as set."),
    read: int = typer.Option(
        0, "--read", min=0, metavar="N", help="Also a sheet of N drafts to read one by one."
    ),
    remember: bool = typer.Option(
        False, "--remember", help="With both modes: keep the better one beside the model."
    ),
    processes: int = typer.Option(
        0, "--processes", min=0, max=64, metavar="N", help="Draft in N at a time; 0: what gains."
    ),
    json: Json = False,
) -> None:
    """Draft cases and judge the drafts. Without --cases: the companies that ship for this."""
    from engine.evaluation.companies import only, spread
    from engine.evaluation.keeping import places_of

    session: Session = context.obj
    if mode not in ("", "verbatim", "free", "both"):
        raise typer.BadParameter("--mode is verbatim, free or both")
    if remember and (mode != "both" or company or limit):
        raise typer.BadParameter("--remember needs --mode both, and all cases")
    if read and out is None:
        raise typer.BadParameter("--read needs --out")
    every = _companies(session, cases)
    chosen = only(every, company) if company else every
    for one in chosen:
        for line in one.skipped:
            why = {"file": one.file, "line": line.line, "why": line.why}
            say(text("evaluation.skipped", session.language, **why))
    limited = [replace(one, cases=spread(one.cases, limit)) for one in chosen]
    if out is not None:
        _writable(out)
    config = engine_config(session.folder, session.settings)
    with _kept(every, config, _modes(mode, config), out) as kept:
        run = _Run(session, limited, config, _modes(mode, config), kept, out)
        report = replace(run.report(processes), available=sum(len(one.cases) for one in chosen))
        _tell(session, report, out, read=read, json=json)
        if kept is not None:
            kept.reported(places_of(limited), places_of(every))
    if remember:
        _remember(session, report, Path(config.model))


def _companies(session: Session, cases: Path | None) -> list[Company]:
    from engine.evaluation.companies import companies_below, company_in_use

    if cases is None or cases.is_dir():
        return companies_below(cases or paths.EVALUATION)
    # Read as all commands read their files, told as they tell what is wrong with them.
    numbered = dict(read_lines(cases, blank=True))
    lines = [numbered[number] for number in sorted(numbered)]
    return [company_in_use(session.folder.knowledge, cases, "\n".join(lines))]


def _modes(wanted: str, config: EngineConfig) -> tuple[Mode, ...]:
    """The modes to draft in; without a wish the one in use."""
    if wanted == "both":
        return ("verbatim", "free")
    for mode in (wanted, config.mode):
        if mode in ("verbatim", "free"):
            return (mode,)  # type: ignore[return-value]
    return (read_card(Path(config.model)).mode,)


@contextlib.contextmanager
def _kept(
    companies: Sequence[Company], config: EngineConfig, modes: Sequence[Mode], out: Path | None
) -> Iterator[Kept | None]:
    """What was drafted before on the same basis, and where to keep what is drafted now."""
    from engine.evaluation.keeping import Kept, basis_of

    if out is None:
        yield None
        return
    try:
        kept = Kept(out, basis_of(companies, config, modes)).__enter__()
    except OSError as error:
        raise _unwritable(out, error) from error
    with kept:
        yield kept


class _Run:
    """One evaluation while it is drafted."""

    def __init__(
        self,
        session: Session,
        companies: Sequence[Company],
        config: EngineConfig,
        modes: Sequence[Mode],
        kept: Kept | None,
        out: Path | None,
    ) -> None:
        from engine.evaluation.keeping import key_of, places_of

        self._session = session
        self._companies = companies
        self._config = config
        self._modes = modes
        self._kept = kept
        self._out = out
        self._keys = [[key_of(case) for case in company.cases] for company in companies]
        known = kept.known if kept else {}
        self._results = {one: known[one] for one in places_of(companies) if one in known}

    def report(self, processes: int) -> Report:
        """Draft what is not drafted yet. Ctrl+C ends it with a line that says what is kept."""
        # What a library would ask the network for is here or nowhere.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
        began = time.monotonic()
        if self._results:
            self._say("resumed", done=len(self._results))
        try:
            progress(text("evaluation.loading", self._session.language))
            release, hands = self._draft(processes)
        except KeyboardInterrupt:
            end_progress()
            ended = "interrupted_kept" if self._out else "interrupted"
            done, of = len(self._results), sum(map(len, self._keys))
            self._say(ended, done=done, of=of, folder=self._out)
            raise
        finally:
            end_progress()
        return self._made(release, time.monotonic() - began, hands)

    def _draft(self, processes: int) -> tuple[Release, int]:
        from engine.evaluation.crew import Crew, Drafted, Finished, Loaded, hands, work

        open_ones = [
            replace(company, cases=left)
            for company, keys in zip(self._companies, self._keys, strict=True)
            if (left := self._left(company, keys))
        ]
        many = processes or hands(open_ones, Path(self._config.model))
        with contextlib.ExitStack() as stack:
            if many > 1:
                with uninterrupted():
                    crew = Crew(open_ones, self._config, self._modes, many)
                stack.callback(crew.close)
                news = crew.news()
            else:
                news = work(open_ones, self._config, self._modes)
                stack.callback(news.close)
            release = Release()
            finished = len(self._companies) - len(open_ones)
            for event in news:
                if isinstance(event, Loaded):
                    release = event.release
                elif isinstance(event, Drafted):
                    self._take(open_ones[event.place], event.results)
                elif isinstance(event, Finished):
                    finished += 1
                    self._company_done(open_ones[event.place].name, finished)
        return release, many

    def _left(self, company: Company, keys: Sequence[str]) -> tuple[Case, ...]:
        pairs = zip(company.cases, keys, strict=True)
        return tuple(case for case, key in pairs if (company.name, key) not in self._results)

    def _take(self, company: Company, results: tuple[Result, ...]) -> None:
        from engine.evaluation.keeping import key_of

        self._results[(company.name, key_of(results[0].case))] = results
        if self._kept is not None:
            try:
                self._kept.add(results)
            except OSError as error:
                raise _unwritable(self._out or Path(), error) from error
        done = len(self._results)
        solved = sum(one[0].solved for one in self._results.values())
        of = sum(map(len, self._keys))
        line = text("evaluation.progress", self._session.language, done=done, of=of, solved=solved)
        progress(line)

    def _company_done(self, name: str, finished: int) -> None:
        end_progress()
        of = [results[0] for (company, _), results in self._results.items() if company == name]
        self._say(
            "company_done",
            name=name,
            solved=sum(one.solved for one in of),
            of=len(of),
            companies_done=finished,
            companies=len(self._companies),
        )

    def _made(self, release: Release, seconds: float, hands: int) -> Report:
        from engine.evaluation.report import Report, SkippedLine

        drafted = (
            self._results[(company.name, key)]
            for company, keys in zip(self._companies, self._keys, strict=True)
            for key in keys
        )
        return Report(
            current=release,
            results=tuple(result for results in drafted for result in results),
            skipped=tuple(
                SkippedLine(one.file, line.line, line.why)
                for one in self._companies
                for line in one.skipped
            ),
            day=date.today().isoformat(),
            seconds=seconds,
            hands=hands,
        )

    def _say(self, key: str, **values: object) -> None:
        say(text(f"evaluation.{key}", self._session.language, **values))


def _tell(session: Session, report: Report, out: Path | None, *, read: int, json: bool) -> None:
    from engine.evaluation.report import PAGE_NAME, summary_lines, write

    if out is not None:
        try:
            write(report, out, session.language, read=read)
        except OSError as error:
            raise _unwritable(out, error) from error
        say(text("evaluation.written", session.language, page=out / PAGE_NAME))
    if json:
        emit(report.summary())
        return
    for line in summary_lines(report, session.language):
        show(line)


def _remember(session: Session, report: Report, model: Path) -> None:
    """Keep beside the model which mode the figures speak for."""
    measured = report.evidence(fingerprint(model))
    if measured is None:
        return
    try:
        card = write_card(model, replace(read_card(model), measured=measured))
    except OSError as error:
        raise InputError(
            f"Nothing could be kept beside the model in {card_path(model)} ({error.strerror}).",
            "evaluation_card",
            name=str(card_path(model)),
            detail=error.strerror or "",
        ) from error
    mode = text(f"evaluation.mode.{measured.mode}", session.language)
    say(text("evaluation.remembered", session.language, card=card, mode=mode))


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
