"""`zuoxi draft`: drafts for a message, a conversation, a batch of cases, or all that wait."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import typer
from msgspec import Struct

from engine.cli.console import (
    Json,
    Session,
    Told,
    emit,
    end_progress,
    progress,
    read_lines,
    say,
    show,
)
from engine.cli.gates import gate_of
from engine.cli.knowledge import checked_day, no_question
from engine.client import EngineClient, uninterrupted
from engine.errors import InputError, some_lines
from engine.protocol import (
    DraftFinished,
    EngineFailed,
    EngineReady,
    EngineRestarted,
    EngineStarting,
    Event,
    RequestFailed,
)
from engine.records import Draft, DraftMode, Language, Turn
from engine.settings import engine_config
from engine.store.store import Store, open_store
from engine.texts import text

# So many requests wait in the engine at once that it is never idle between two.
_AHEAD = 4


class ConversationTurn(Struct, frozen=True):
    """One line of a conversation file."""

    role: Literal["customer", "agent"]
    text: str


class Case(Struct, frozen=True):
    """One line of a file of cases; what a good answer must show is of no concern here."""

    turns: list[ConversationTurn]
    id: str | int = ""
    as_of: str = ""


class _Failure(Struct, frozen=True):
    code: str
    message: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("draft")(draft)


def draft(
    context: typer.Context,
    message: str | None = typer.Option(None, "--message", help="One customer message."),
    conversation: Path | None = typer.Option(None, "--conversation", help="JSON Lines of turns."),
    batch: Path | None = typer.Option(None, "--batch", help="JSON Lines of cases."),
    waiting: bool = typer.Option(False, "--waiting", help="Every stored one that waits."),
    as_of: str = typer.Option("", "--as-of", help="The day asked for (YYYY-MM-DD); today."),
    mode: str = typer.Option("", "--mode", help="verbatim or free; as set otherwise."),
    json: Json = False,
) -> None:
    """Draft replies. Exactly one of --message, --conversation, --batch and --waiting."""
    session: Session = context.obj
    given = [message is not None, conversation is not None, batch is not None, waiting]
    if sum(given) != 1:
        raise typer.BadParameter("give one of --message, --conversation, --batch, --waiting")
    if mode not in ("", "auto", "verbatim", "free"):
        raise typer.BadParameter("--mode is verbatim, free or auto")
    how: DraftMode = mode or "auto"  # type: ignore[assignment]
    day = checked_day(as_of)
    if message is not None and not message.strip():
        raise no_question()
    if waiting:
        _draft_waiting(session, day, how, json)
        return
    if batch is not None:
        _draft_batch(session, batch, day, how)
        return
    turns = _conversation(conversation) if conversation else [Turn("customer", message or "")]
    (outcome,) = _drafts(session, [(turns, day)], how)
    if isinstance(outcome, _Failure):
        raise Told(outcome.message, outcome.code)
    _tell(outcome, json=json)


def _draft_batch(session: Session, batch: Path, day: str | None, mode: DraftMode) -> None:
    """A line for each case; lines that are none are told first, skipped, and end it with code 1."""
    cases, skipped = _cases(batch)
    if skipped and not cases:
        raise skipped[0]
    for error in skipped:
        say(text("cli.draft.line_skipped", session.language, **error.values))
    jobs = [(case.turns, case.as_of or day) for case in cases]
    for case, outcome in zip(cases, _drafts(session, jobs, mode), strict=True):
        _tell(outcome, json=True, id=case.id)
    if skipped:
        lines = some_lines([int(str(error.values["line"])) for error in skipped])
        raise InputError(
            f"{batch.name}: {len(skipped)} lines hold no case and were skipped (line {lines}).",
            "lines_skipped",
            name=batch.name,
            count=len(skipped),
            lines=lines,
        )


def _draft_waiting(session: Session, day: str | None, mode: DraftMode, json: bool) -> None:
    from engine.reception import catch_up

    with open_store(session.folder.database) as store:
        catch_up(store, gate_of(session, store), session.language)
        rows = [store.conversations.get(key) for key in store.conversations.waiting()]
        jobs = [(store.conversations.turns_to_answer(row.id), day) for row in rows]
        for row, outcome in zip(rows, _drafts(session, jobs, mode), strict=True):
            if isinstance(outcome, Draft) and row.newest_message:
                kept = _keep(store, row.id, row.newest_message, outcome)
                _tell(kept, json=json, conversation=row.id)
            else:
                _tell(outcome, json=json, conversation=row.id)


def _keep(store: Store, conversation: str, message: str, draft: Draft) -> Draft:
    """Store `draft`, with the gap or the case that it opens; the draft as it holds."""
    with store.transaction():
        case = store.handovers.open_case(conversation)
        if case and draft.status != "handover":
            # A case that a human has is a human's until it is closed, whatever is said next.
            draft = Draft("handover", script=case.script or None, category=case.category)
        store.keep_draft(conversation, message, draft)
    return draft


def _drafts(
    session: Session,
    jobs: Sequence[tuple[Sequence[Any], str | None]],
    mode: DraftMode,
) -> Iterator[Draft | _Failure]:
    """The outcome of each job, in order, from an engine that is started for them."""
    if not jobs:
        return
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    client = EngineClient(engine_config(session.folder, session.settings), events.put)
    try:
        with uninterrupted():
            client.start()
        _await_ready(events, session.language)
        asked: list[str] = []
        done: dict[str, Draft | _Failure] = {}
        for place in range(len(jobs)):
            while len(asked) < min(len(jobs), place + _AHEAD):
                turns, day = jobs[len(asked)]
                plain = [Turn(turn.role, turn.text) for turn in turns]
                asked.append(client.draft(plain, as_of=day, mode=mode))
            while asked[place] not in done:
                event = events.get()
                if isinstance(event, DraftFinished):
                    done[event.id] = event.draft
                elif isinstance(event, RequestFailed):
                    done[event.id] = _Failure(event.code, event.message)
            progress(f"{place + 1}/{len(jobs)}")
            yield done.pop(asked[place])
    finally:
        end_progress()
        client.close()


def _await_ready(events: queue.SimpleQueue[Event], language: Language) -> None:
    while True:
        event = events.get()
        if isinstance(event, EngineStarting):
            progress(text(f"cli.engine.{event.step}", language))
        elif isinstance(event, EngineReady):
            end_progress()
            if event.knowledge_error:
                raise Told(event.knowledge_error, "no_knowledge")
            return
        elif isinstance(event, EngineFailed):
            raise Told(event.message, event.code)
        elif isinstance(event, EngineRestarted):
            progress(event.why)


def _tell(outcome: Draft | _Failure, *, json: bool, **keys: str | int) -> None:
    if isinstance(outcome, _Failure):
        outcome = Draft("failed", reason=outcome.message)
    if json:
        emit({**keys, **msgspec.to_builtins(outcome)})
        return
    for value in keys.values():
        show(f"# {value}")
    show(outcome.text or outcome.script or outcome.reason)
    for item in outcome.evidence:
        if f"[{item.n}]" in outcome.text:
            show(f"  [{item.n}] {item.doc} › {item.section}")


def _conversation(path: Path) -> list[ConversationTurn]:
    turns = [_decoded(line, ConversationTurn, path, number) for number, line in read_lines(path)]
    if not turns or turns[-1].role != "customer":
        raise InputError(
            f"{path.name}: a conversation ends with the customer's turn.", "conversation_end"
        )
    return turns


def _cases(path: Path) -> tuple[list[Case], list[InputError]]:
    """The sound cases in order, and what is wrong with each line that is none."""
    cases: list[Case] = []
    skipped: list[InputError] = []
    for number, line in read_lines(path):
        try:
            cases.append(_case(line, path, number))
        except InputError as error:
            skipped.append(error)
    return cases, skipped


def _case(line: str, path: Path, number: int) -> Case:
    case: Case = _decoded(line, Case, path, number)
    if not case.turns or case.turns[-1].role != "customer":
        raise _malformed(path, number, "turns must end with the customer's")
    try:
        checked_day(case.as_of)
    except InputError as error:
        raise _malformed(path, number, f"as_of: {error.message.rstrip('.')}") from error
    return case


def _decoded(line: str, kind: Any, path: Path, number: int) -> Any:
    try:
        return msgspec.json.decode(line.encode("utf-8", "surrogatepass"), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(path, number, str(error)) from error


def _malformed(path: Path, number: int, detail: str) -> InputError:
    return InputError(
        f"{path.name}, line {number}: {detail}.",
        "malformed_line",
        name=path.name,
        line=number,
        detail=detail,
    )
