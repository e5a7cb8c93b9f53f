"""`zuoxi cases …`: what was handed over to a person, without a window."""

from __future__ import annotations

import time
from collections.abc import Callable

import typer

from engine.cli.console import Json, Session, Who, emit, report, show
from engine.cli.gates import gate_of
from engine.errors import InputError
from engine.store.handovers import Handovers
from engine.store.store import Store, open_store
from engine.texts import category_named, text

group = typer.Typer(help="Cases for a person: open, take, return, close.", no_args_is_help=True)

_CASE = typer.Argument(metavar="CASE", help="Its id, as `cases list` says it.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="cases")


@group.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Open cases, the oldest first."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        cases = store.handovers.all_open()
    if json:
        emit({"cases": cases})
        return
    if not cases:
        show(text("cli.cases.none", session.language))
    for case in cases:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(case.opened_at))
        category = category_named(case.category, session.language)
        show(f"{case.id}  {since}  {category}  {case.taken_by or '–'}  {case.conversation}")


@group.command("open")
def open_(
    context: typer.Context,
    conversation: str = typer.Argument(metavar="CONVERSATION", help="Its id."),
    note: str = typer.Option("", "--note", help="Why, for whoever takes it."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Hand a conversation over to a senior human, with or without a draft."""
    from engine.deciding import decide

    session: Session = context.obj
    with open_store(session.folder.database) as store:
        gate = gate_of(session, store)
        standing = store.handovers.open_case(conversation)
        if standing is not None:
            raise InputError(
                "The conversation is handed over already. Nothing was changed.",
                "case_open",
                case=standing.id,
            )
        by = session.named(who)
        decide(store, gate, conversation, "hand_over", who=by, comment=note)
        opened = store.handovers.open_case(conversation)
        assert opened is not None
        _told(session, store, opened.id, "opened", json)


@group.command("take")
def take(context: typer.Context, case: str = _CASE, who: Who = None, json: Json = False) -> None:
    """Take a case on oneself."""
    _step(context.obj, case, "taken", who, json, lambda cases, by: cases.take(case, by))


@group.command("return")
def give_back(
    context: typer.Context, case: str = _CASE, who: Who = None, json: Json = False
) -> None:
    """Give a case back that was taken: it waits for somebody again."""
    _step(context.obj, case, "returned", who, json, lambda cases, by: cases.give_back(case, by))


@group.command("close")
def close(
    context: typer.Context,
    case: str = _CASE,
    note: str = typer.Option("", "--note", help="What was done, for whoever reads it later."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Close a case; the conversation gets drafts again."""

    def end(cases: Handovers, by: str) -> bool:
        return cases.close(case, note or cases.get(case).note, who=by)

    _step(context.obj, case, "closed", who, json, end)


def _step(
    session: Session,
    case: str,
    step: str,
    who: str | None,
    json: bool,
    act: Callable[[Handovers, str], bool],
) -> None:
    """Do `act` and tell of it; it says whether the case was as it had to be."""
    by = session.named(who)
    with open_store(session.folder.database) as store:
        with store.transaction():
            if not act(store.handovers, by):
                store.handovers.get(case)
                raise InputError(
                    "The case is not as expected: taken, returned or closed by now. Nothing was "
                    "changed.",
                    "case_changed",
                )
        _told(session, store, case, step, json)


def _told(session: Session, store: Store, case: str, step: str, json: bool) -> None:
    now = store.handovers.get(case)
    category = category_named(now.category, session.language)
    report(now, text(f"cases.{step}", session.language, category=category), json=json)
