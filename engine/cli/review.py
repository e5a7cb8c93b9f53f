"""`zuoxi review …` and `zuoxi approvals …`: the lead's work without a window."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import typer

from engine.cli.console import Json, Session, Who, emit, report, show
from engine.cli.gates import gate_of, in_force
from engine.errors import InputError
from engine.records import Level, Side
from engine.store.rows import Approval, StoredHit
from engine.store.seeking import Judged, Sought
from engine.store.store import open_store
from engine.texts import text

group = typer.Typer(help="Red-line hits: look through, judge, export.", no_args_is_help=True)
approvals = typer.Typer(help="Texts that need a lead: ask, approve, refuse.", no_args_is_help=True)

Filter = Annotated[
    list[str],
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="rule, category, level, side, agent, verdict, since or until (days), "
        "appealed=yes, trial=yes|no.",
    ),
]

_VALUES: dict[str, tuple[str, ...]] = {
    "level": get_args(Level),
    "side": get_args(Side),
    "verdict": get_args(Judged),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="review")
    app.add_typer(approvals, name="approvals")


@group.command("list")
def list_(
    context: typer.Context,
    where: Filter = [],  # noqa: B006
    limit: int = typer.Option(50, "--limit", "-n", min=1, max=10_000, help="How many."),
    after: int | None = typer.Option(None, "--after", help="Go on behind the page before."),
    json: Json = False,
) -> None:
    """Hits that match, newest first."""
    session: Session = context.obj
    sought = _sought(where)
    with open_store(session.folder.database) as store:
        page = store.reviews.page(sought, limit=limit, after=after)
    if json:
        emit(page)
        return
    if not page.hits:
        show(text("cli.review.none", session.language))
    for one in page.hits:
        show(_line(one, session))
    if page.after is not None:
        show(text("cli.review.more", session.language, after=page.after))


@group.command("judge")
def judge(
    context: typer.Context,
    verdict: str = typer.Argument(help="right or false_alarm."),
    hits: list[str] = typer.Argument(help="Their ids."),
    note: str = typer.Option("", "--note", help="Why."),
    who: Who = None,
    json: Json = False,
) -> None:
    """One verdict for several hits, all or none."""
    session: Session = context.obj
    if verdict not in ("right", "false_alarm"):
        raise typer.BadParameter("the verdict is right or false_alarm")
    with open_store(session.folder.database) as store:
        store.reviews.judge_all(
            hits, "right" if verdict == "right" else "false_alarm", session.named(who), note
        )
    said = text(f"review.verdict.{verdict}", session.language)
    line = text("cli.review.judged", session.language, n=len(hits), verdict=said)
    report({"judged": len(hits), "verdict": verdict}, line, json=json)


@group.command("missed")
def missed(
    context: typer.Context,
    message: str = typer.Argument(help="The message's id."),
    start: int = typer.Argument(help="Where it begins, in characters."),
    end: int = typer.Argument(help="Where it ends."),
    rule: str = typer.Option("", "--rule", help="Which rule should have found it."),
    note: str = typer.Option("", "--note", help="Why."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Mark a stretch of a message that no rule found."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        if rule and all(one.id != rule for one in in_force(session, store).rule_set.rules):
            raise InputError(f"There is no rule {rule}.", "no_rule", id=rule)
        hit = store.reviews.missed(message, start, end, session.named(who), rule=rule, note=note)
    report({"hit": hit.id, "text": hit.hit.text}, f"{hit.id}  「{hit.hit.text}」", json=json)


@group.command("appeal")
def appeal(
    context: typer.Context,
    hit: str = typer.Argument(help="The hit's id."),
    why: str = typer.Argument(help="What speaks against it."),
    who: Who = None,
    json: Json = False,
) -> None:
    """An agent's word against a hit."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        made = store.reviews.appeal(hit, session.named(who), why)
    report({"appeal": made.id}, made.id, json=json)


@group.command("appeals")
def appeals(context: typer.Context, who: Who = None, json: Json = False) -> None:
    """One's own appeals, newest first, with what was answered."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        own = store.reviews.appeals_by(session.named(who))
    if json:
        emit({"appeals": own})
        return
    if not own:
        show(text("cli.review.no_appeals", session.language))
    for one in own:
        made = one.appeal
        upheld = "" if made.upheld is None else str(made.upheld).lower()
        answered = text(f"review.upheld.{upheld}", session.language) if upheld else "–"
        show(f"{_line(one.hit, session)}  {made.text}  {answered} {made.answer}".rstrip())


@group.command("answer")
def answer(
    context: typer.Context,
    hit: str = typer.Argument(help="The hit whose appeal waits."),
    uphold: bool = typer.Option(..., "--uphold/--turn-down", help="Whether the agent was right."),
    comment: str = typer.Option("", "--comment", help="What the agent is told."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Answer an agent's appeal; one that is upheld makes the hit a false alarm."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        waiting = [one for one in store.reviews.appeals(hit) if one.answered_at is None]
        if not waiting:
            raise InputError("There is no appeal to answer.", "no_appeal")
        answered = store.reviews.answer(waiting[0].id, uphold, session.named(who), comment)
    said = text(f"review.upheld.{str(uphold).lower()}", session.language)
    report({"appeal": answered.id, "upheld": uphold}, f"{answered.id}  {said}", json=json)


@group.command("precision")
def precision(context: typer.Context, json: Json = False) -> None:
    """How often each rule was right, by the verdicts, with the 95 % interval."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        rules = store.reviews.precision()
    if json:
        emit({"rules": rules})
        return
    if not rules:
        show(text("cli.review.none", session.language))
    for one in rules:
        share = "–" if one.precision is None else f"{one.precision:.0%}"
        show(
            text(
                "cli.review.precision",
                session.language,
                rule=one.rule or "–",
                share=share,
                low=f"{one.low:.0%}",
                high=f"{one.high:.0%}",
                hits=one.hits,
                judged=one.right + one.false_alarms,
                missed=one.missed,
            )
        )


@group.command("export")
def export(
    context: typer.Context,
    file: Path = typer.Argument(help="Where to: a name that ends in .csv or .xlsx."),
    where: Filter = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Write the hits that match as a table for a spreadsheet."""
    from engine.learning.review_export import export_reviews

    session: Session = context.obj
    sought = _sought(where)
    with open_store(session.folder.database) as store:
        count = export_reviews(store, file, sought, language=session.language)
    line = text("cli.review.exported", session.language, n=count, out=file)
    report({"hits": count, "file": str(file)}, line, json=json)


@approvals.command("list")
def waiting(context: typer.Context, json: Json = False) -> None:
    """What waits for a lead: asked for and not answered, told and not seen."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        queue = store.approvals.queue()
    if json:
        emit({"approvals": queue})
        return
    if not queue:
        show(text("cli.approvals.none", session.language))
    for one in queue:
        state = text(f"cli.approvals.{one.state}", session.language)
        show(f"{one.id}  {state}  {one.asker}: {' '.join(one.text.split())}  ({one.reason})")


@approvals.command("ask")
def ask(
    context: typer.Context,
    conversation: str = typer.Argument(help="Its id."),
    message: str = typer.Option(..., "--text", metavar="TEXT", help="What is to be sent."),
    reason: str = typer.Option(..., "--reason", help="Why the lead should let it pass."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Ask a lead to let a text pass that a rule keeps back."""
    from engine.deciding import ask_for_approval

    session: Session = context.obj
    with open_store(session.folder.database) as store:
        asked = ask_for_approval(
            *(store, gate_of(session, store), conversation, reason, session.named(who)),
            text=message,
            language=session.language,
        )
    _answered(session, asked, json)


@approvals.command("approve")
def approve(
    context: typer.Context,
    approval: str = typer.Argument(help="Its id."),
    comment: str = typer.Option("", "--comment", help="What the agent is told."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Let a text pass, as a lead; what an agent has let pass alone is noted as seen."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        if store.approvals.get(approval).state == "told":
            store.approvals.see(approval, session.named(who), comment)
        else:
            store.approvals.decide(approval, True, session.named(who), comment)
        answered = store.approvals.get(approval)
    _answered(session, answered, json)


@approvals.command("refuse")
def refuse(
    context: typer.Context,
    approval: str = typer.Argument(help="Its id."),
    comment: str = typer.Option(..., "--comment", help="What the agent should change."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Do not let a text pass, as a lead."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        answered = store.approvals.decide(approval, False, session.named(who), comment)
    _answered(session, answered, json)


def _answered(session: Session, approval: Approval, json: bool) -> None:
    state = text(f"cli.approvals.{approval.state}", session.language)
    result = {"approval": approval.id, "state": approval.state}
    report(result, f"{approval.id}  {state}", json=json)


def _line(one: StoredHit, session: Session) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.at))
    verdict = text(f"review.verdict.{one.verdict or 'unjudged'}", session.language)
    found = " ".join(one.hit.text.split())
    rule = f"{one.hit.rule} {one.hit.level}"
    if one.hit.trial:
        rule += f" {text('cli.rules.shadow', session.language)}"
    return f"{one.id}  {when}  {rule} 「{found}」 {one.agent}  {verdict}"


def _sought(where: list[str]) -> Sought:
    given: dict[str, Any] = {}
    for each in where:
        name, _, value = each.partition("=")
        if name not in Sought.__struct_fields__ or not value:
            raise typer.BadParameter(
                f"--where is NAME=VALUE with a name of {', '.join(Sought.__struct_fields__)}"
            )
        given[name] = value
    for name in ("since", "until"):
        if name in given:
            # The last day counts whole.
            given[name] = _midnight(given[name], timedelta(days=name == "until"))
    given["appealed"] = given.get("appealed", "no") == "yes"
    if "trial" in given:
        given["trial"] = {"yes": True, "no": False}.get(given["trial"], given["trial"])
    try:
        return msgspec.convert(given, Sought)
    except msgspec.ValidationError as error:
        wrong = next((name for name in _VALUES if f"$.{name}" in str(error)), "")
        allowed = ", ".join(_VALUES.get(wrong, ("yes", "no")))
        raise typer.BadParameter(f"--where {wrong or 'trial'}= is one of {allowed}") from error


def _midnight(day: str, more: timedelta) -> float:
    try:
        return (datetime.strptime(day, "%Y-%m-%d") + more).timestamp()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{day} is no day like 2026-11-22") from error
