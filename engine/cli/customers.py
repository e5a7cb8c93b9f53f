"""`zuoxi customers …`: what is held of a customer, and its deletion on request."""

from __future__ import annotations

import sys
from typing import get_args

import typer

from engine import forgetting
from engine.cli.console import Json, Session, Who, emit, report, say, show
from engine.errors import InputError
from engine.store.forgetting import Held, Why
from engine.store.store import open_store
from engine.texts import text

group = typer.Typer(help="A customer's data: what there is, delete it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="customers")


@group.command("show")
def show_(
    context: typer.Context,
    customer: str = typer.Argument(metavar="NAME|CONVERSATION", help="Whose."),
    json: Json = False,
) -> None:
    """How much there is of a customer; nothing is changed."""
    session: Session = context.obj
    with open_store(session.folder.database, read_only=True) as store:
        rows = forgetting.found(store, customer)
        held = forgetting.held(store, [row.id for row in rows])
    if json:
        emit({"conversations": [row.id for row in rows], "held": held})
        return
    for row in rows:
        show(f"{row.id}  {row.customer}")
    show(_counted(held, session))


@group.command("forget")
def forget(
    context: typer.Context,
    customer: str = typer.Argument(metavar="NAME|CONVERSATION", help="Whose."),
    why: str = typer.Option("asked", "--why", help=f"{', '.join(get_args(Why))}."),
    yes: bool = typer.Option(False, "--yes", help="Do not ask first."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Delete what was written with a customer, for good; what was done stays countable."""
    session: Session = context.obj
    if why not in get_args(Why):
        raise typer.BadParameter(f"--why is one of {', '.join(get_args(Why))}")
    with open_store(session.folder.database) as store:
        rows = forgetting.found(store, customer)
        conversations = [row.id for row in rows]
        if not yes:
            say(_counted(forgetting.held(store, conversations), session))
            if not sys.stdin.isatty():
                raise InputError("A deletion cannot be undone: give --yes.", "needs_yes")
            typer.confirm(text("customers.sure", session.language), abort=True, err=True)
        done = forgetting.forget(
            store,
            session.folder,
            conversations,
            session.named(who),
            why,  # type: ignore[arg-type]
        )
    if json:
        emit(
            {
                "conversations": conversations,
                "held": done.held,
                "records": done.records,
                "finished": done.finished,
                "left": done.left,
                "older_records": done.older_records,
                "outside": forgetting.OUTSIDE,
            }
        )
    else:
        show(text("customers.forgotten", session.language, n=len(conversations)))
    if not done.finished:
        say(text("customers.unfinished", session.language))
    for path in done.left:
        say(text("customers.left", session.language, path=path))
    if done.older_records:
        say(text("customers.older_records", session.language, n=done.older_records))
    for place in forgetting.OUTSIDE:
        say(text(f"customers.outside.{place}", session.language))


@group.command("finish")
def finish(context: typer.Context, json: Json = False) -> None:
    """Clear the traces of a deletion that was not finished; the window's start does so, too."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        if not store.forgetting.finish():
            raise InputError("The database is still in use, or there is no room.", "unfinished")
        left = [str(path) for path in store.forgetting.left()]
    report(
        {"finished": True, "left": left},
        text("customers.finished", session.language),
        json=json,
    )


def _counted(held: Held, session: Session) -> str:
    return text(
        "customers.held",
        session.language,
        conversations=held.conversations,
        messages=held.messages,
        drafts=held.drafts,
        decisions=held.decisions,
        hits=held.hits,
        unsent=held.unsent,
    )
