"""`zuoxi redline check` and `zuoxi rules …`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import typer
from msgspec.structs import replace

from engine import paths
from engine.cli.console import (
    Json,
    Session,
    emit,
    end_progress,
    progress,
    read_lines,
    refuse,
    show,
)
from engine.cli.gates import gate_of, in_force
from engine.errors import RuleError
from engine.records import Screening, Side
from engine.texts import explain, text

if TYPE_CHECKING:
    from engine.redline.changes import Changes
    from engine.redline.checking import Problem
    from engine.redline.rules import Progress
    from engine.redline.schema import RuleSet

redline = typer.Typer(help="The red line: check a text.", no_args_is_help=True)
group = typer.Typer(
    help="Red-line rules: list, validate, change, replay, put on trial, publish, roll back.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(redline, name="redline")
    app.add_typer(group, name="rules")


@redline.command("check")
def check(
    context: typer.Context,
    texts: list[str] = typer.Argument(None, metavar="TEXT...", help="What to check."),
    side: str = typer.Option("agent", "--side", help="customer or agent."),
    batch: Path | None = typer.Option(None, "--batch", help="One text per line."),
    json: Json = False,
) -> None:
    """Screen texts: which rules hit where, the strongest action, the scripts that apply."""
    session: Session = context.obj
    if side not in ("customer", "agent", "model"):
        raise typer.BadParameter("--side is customer or agent")
    if bool(texts) == (batch is not None):
        raise typer.BadParameter("give either TEXT or --batch FILE")
    gate = gate_of(session)
    # A line in, a line out, the blank ones too.
    lines = [line for _, line in read_lines(batch, blank=True)] if batch is not None else texts
    for line in lines:
        screening = gate.screen(line, _side(side), language=session.language)
        if json or batch is not None:
            emit(screening)
        else:
            _show(screening)


@group.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """The rules that run: what is in force, and what is on trial beside it."""
    from engine.redline.schema import OVERRIDES

    session: Session = context.obj
    running = in_force(session)
    rule_set = running.rule_set
    rows: list[dict[str, Any]] = [
        {
            "id": rule.id,
            "sides": list(rule.sides),
            "category": rule.category,
            "level": rule.level,
            "action": rule.action,
            "name": rule.name.of(session.language),
            "version": rule.version,
            "owner": rule.owner,
            "basis": [f"{basis.law} {basis.article}".strip() for basis in rule.basis],
            "from": rule.effective.since,
            "until": rule.effective.until,
            "shadow": rule.shadow,
            "override": OVERRIDES[rule.level] if rule.action == "block" else None,
        }
        for rule in rule_set.rules
    ]
    if json:
        emit(
            {
                "version": rule_set.version,
                "in_force": running.used,
                "trial": running.trial.number if running.trial else None,
                "problem": explain(running.problem, session.language) if running.problem else None,
                "rules": rows,
            }
        )
        return
    for row in rows:
        sides = ",".join(row["sides"])
        trial = text("cli.rules.shadow", session.language) if row["shadow"] else ""
        show(
            f"{row['id']}  {row['level']} {row['action']}  {sides}  {row['name']} {trial}".rstrip()
        )


@group.command("validate")
def validate(
    context: typer.Context,
    packs: list[Path] = typer.Argument(
        None, help="A folder of packs by itself, or files with a company's own changes."
    ),
    json: Json = False,
) -> None:
    """Check rule packs with their own examples; without any, what ships and what is in force."""
    from engine.redline.rules import check_rules, load_rules

    session: Session = context.obj
    if packs and (len(packs) > 1 or not packs[0].is_dir()):
        rule_set, problems = _changed(session, packs)
    else:
        folder = packs[0] if packs else paths.RULES
        problems = tuple(check_rules(folder))
        if not problems:
            rule_set = load_rules(folder) if packs else in_force(session).rule_set
    if problems:
        refuse_problems(problems, session, json=json)
    if json:
        emit({"problems": [], "version": rule_set.version, "rules": len(rule_set.rules)})
    else:
        show(
            text(
                "cli.rules.sound",
                session.language,
                count=len(rule_set.rules),
                version=rule_set.version,
            )
        )


def _changed(session: Session, packs: list[Path]) -> tuple[RuleSet, tuple[Problem, ...]]:
    """What a company's packs make of the rules in force."""
    from engine.store.store import open_store
    from engine.workshop.importing import read_packs, set_with
    from engine.workshop.running import changes_in_use, read_base

    base = read_base(paths.RULES)
    own: Changes = ()
    if session.folder.database.exists():
        with open_store(session.folder.database) as store:
            own = changes_in_use(store, paths.RULES)
    found = set_with(base, own, read_packs(packs, base, reading(session)), checking(session))
    end_progress()
    return found


def refuse_problems(
    problems: Sequence[Problem], session: Session, *, json: bool, **result: Any
) -> NoReturn:
    """Tell every problem, and end the command with how many there are."""
    end_progress()
    if not json:
        for problem in problems:
            show(problem.in_words(session.language))
    error = RuleError(
        f"{len(problems)} problems; the packs do not load.", "rules_problems", count=len(problems)
    )
    told = [replace(one, message=one.told(session.language)) for one in problems]
    refuse(error, session, json=json, problems=told, **result)


def reading(session: Session) -> Progress:
    """Tells how many packs are read."""
    return _telling("cli.rules.reading", session)


def checking(session: Session) -> Progress:
    """Tells how many rules are checked with their examples."""
    return _telling("cli.rules.checking", session)


def _telling(key: str, session: Session) -> Progress:
    return lambda done, total: progress(text(key, session.language, done=done, total=total))


def _side(side: str) -> Side:
    sides: dict[str, Literal["customer", "model", "agent"]] = {
        "customer": "customer",
        "model": "model",
    }
    return sides.get(side, "agent")


def _show(screening: Screening) -> None:
    show(screening.action)
    for hit in screening.hits:
        show(
            f"  {hit.rule} {hit.level} {hit.action} {hit.start}–{hit.end} 「{hit.text}」 {hit.why}"
        )
    for script in screening.scripts:
        show(f"  » {script}")
