"""`zuoxi inbox add`, `zuoxi decide`, `zuoxi feedback export`: conversations without a window."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn, get_args

import typer

from engine.cli.console import Json, Session, Told, Who, a_path, refuse, report, show
from engine.cli.gates import gate_of
from engine.deciding import Choice, DecisionRefused, SendRefused, decide
from engine.errors import InputError
from engine.learning.feedback import export_raw
from engine.reception import receive
from engine.records import Hit, RejectReason, Screening
from engine.redline.gate import STOPPING, override_of
from engine.store.approvals import same_person
from engine.store.store import Store, open_store
from engine.texts import text

inbox = typer.Typer(help="Messages in.", no_args_is_help=True)
feedback = typer.Typer(help="Decisions as training data.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(inbox, name="inbox")
    app.add_typer(feedback, name="feedback")
    app.command("decide")(decide_)


@inbox.command("add")
def add(
    context: typer.Context,
    customer: str = typer.Option(..., "--customer", metavar="NAME", help="Who writes."),
    message: str = typer.Option(..., "--text", metavar="TEXT", help="What they write."),
    conversation: str = typer.Option(
        "", "--conversation", metavar="ID", help="Where it belongs; a new one otherwise."
    ),
    json: Json = False,
) -> None:
    """A message arrives, as from a channel; a running window shows it within a second."""
    session: Session = context.obj
    if not message.strip() or not customer.strip():
        raise InputError("A message needs a customer and a text.", "empty_message")
    with open_store(session.folder.database) as store:
        if conversation:
            _of_customer(store, conversation, customer)
        received = receive(
            store,
            gate_of(session, store),
            customer,
            message,
            conversation=conversation or None,
            language=session.language,
        )
    ids = {"conversation": received.message.conversation, "message": received.message.id}
    report(ids, ids["conversation"], json=json)


def _of_customer(store: Store, conversation: str, customer: str) -> None:
    known = store.conversations.get(conversation)
    # Whose data was deleted has no name any more, and may write again under one.
    if known.forgotten_at is None and not same_person(known.customer, customer):
        raise InputError(
            "This conversation is another customer's. Nothing was stored.", "other_customer"
        )


def decide_(
    context: typer.Context,
    conversation: str = typer.Argument(help="Its id, as `inbox add` says it."),
    accept: bool = typer.Option(False, "--accept", help="Send the draft as it is."),
    edit: str | None = typer.Option(None, "--edit", metavar="TEXT", help="Send this instead."),
    reject: str | None = typer.Option(
        None,
        "--reject",
        metavar="REASON",
        help=f"Discard the draft: {', '.join(get_args(RejectReason))}.",
    ),
    hand_over: bool = typer.Option(False, "--hand-over", help="Give the case to a senior human."),
    override: str | None = typer.Option(
        None,
        "--override",
        metavar="REASON",
        help="Send although a rule keeps it back, where the rule allows; the lead is told.",
    ),
    who: Who = None,
    json: Json = False,
) -> None:
    """Decide on the stored draft of a conversation, through the same gate as the window."""
    session: Session = context.obj
    chosen: list[Choice] = []
    chosen += ["accept"] if accept else []
    chosen += ["edit"] if edit is not None else []
    chosen += ["reject"] if reject is not None else []
    chosen += ["hand_over"] if hand_over else []
    if len(chosen) != 1:
        raise typer.BadParameter("give exactly one of --accept, --edit, --reject, --hand-over")
    if reject is not None and reject not in get_args(RejectReason):
        raise InputError(
            f"{reject} is no reason. Reasons: {', '.join(get_args(RejectReason))}.",
            "bad_reason",
            reason=reject,
            reasons=", ".join(get_args(RejectReason)),
        )
    try:
        with open_store(session.folder.database) as store:
            decision = decide(
                store,
                gate_of(session, store),
                conversation,
                chosen[0],
                text=edit,
                reason=reject,  # type: ignore[arg-type]
                who=session.named(who),
                override=override,
                language=session.language,
                needs_draft=True,
            )
    except SendRefused as error:
        _kept_back(error, conversation, session, json)
    except DecisionRefused as error:
        if not hand_over or error.code != "no_draft":
            raise
        how = text("cli.decide.no_draft_to_hand_over", session.language, conversation=conversation)
        raise Told(how, error.code) from error
    done = text(f"cli.decided.{decision.action}", session.language)
    report(decision, f"{decision.id}  {done}", json=json)


def _kept_back(error: SendRefused, conversation: str, session: Session, json: bool) -> NoReturn:
    """End with what keeps a text back, where in it, by which rule, and what to do next."""
    stopping = [hit for hit in error.hits if hit.action in STOPPING]
    allowed = override_of(Screening(error.hits)) if stopping else "script"
    next_ = text(f"cli.blocked.{allowed}", session.language, conversation=conversation)
    if not json:
        for hit in stopping:
            show(_hit_line(hit))
        for script in error.scripts:
            show(f"» {script}")
        show(next_)
    found = {"hits": error.hits, "scripts": error.scripts, "override": allowed, "next": next_}
    refuse(error, session, json=json, **found)


def _hit_line(hit: Hit) -> str:
    found = " ".join(hit.text.split())
    return f"{hit.start}–{hit.end} 「{found}」 {hit.name} {hit.level} ({hit.rule}): {hit.advice}"


@feedback.command("export")
def export(
    context: typer.Context,
    out: Path = typer.Option(
        ..., "--out", metavar="DIR", help="The folder to write to.", parser=a_path
    ),
    format_: str = typer.Option("raw", "--format", help="raw: everything, one decision a line."),
    json: Json = False,
) -> None:
    """Write all decisions, with what they were made on, to a folder."""
    session: Session = context.obj
    if format_ != "raw":
        raise InputError(
            f"The format {format_} is not there yet; raw is.", "bad_format", format=format_
        )
    with open_store(session.folder.database) as store:
        manifest = export_raw(store, out)
    line = text("cli.feedback.exported", session.language, count=manifest.decisions, out=str(out))
    report(manifest, line, json=json)
