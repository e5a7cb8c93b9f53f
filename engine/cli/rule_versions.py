"""`zuoxi rules draft|trial|publish|approve|…`: changing the rules, with a second lead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import paths
from engine.cli.console import Json, Session, Who, emit, end_progress, progress, show
from engine.cli.rules import checking, group, reading, refuse_problems
from engine.errors import InputError
from engine.store.rule_versions import RuleVersion
from engine.store.store import Store, open_store
from engine.texts import text
from engine.workshop.running import named
from engine.workshop.workshop import Workshop

_ROWS = 200

Command = Callable[..., None]
Comment = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why, for the others.")]
Number = Annotated[int | None, typer.Argument(help="Its number; else the one on trial.")]


def register(_: typer.Typer) -> None:
    """Add the commands to those of `zuoxi rules`."""
    commands: dict[str, Command] = {
        "draft": draft,
        "replay": replay_,
        "versions": versions,
        "diff": diff,
        "export": export,
        "trial": trial,
        "publish": _command(
            Workshop.ask, "Ask a second lead to put the version on trial into force."
        ),
        "approve": _command(
            Workshop.approve,
            "Put a version that somebody else wrote, and asked to publish, into force at once.",
        ),
        "refuse": refuse_,
        "withdraw": _command(Workshop.withdraw, "Take a version from trial."),
        "rollback": rollback,
    }
    for name, command in commands.items():
        group.command(name)(command)


def draft(
    context: typer.Context,
    packs: list[Path] = typer.Argument(None, help="Packs to put into the draft."),
    off: list[str] = typer.Option([], "--off", metavar="ID", help="Switch a rule off."),
    restore: list[str] = typer.Option([], "--restore", metavar="ID", help="As it ships again."),
    discard: bool = typer.Option(False, "--discard", help="Forget the draft before that."),
    who: Who = None,
    json: Json = False,
) -> None:
    """Change the draft of the rules; what it changes, and what is wrong with it."""
    from engine.workshop.importing import read_packs

    session: Session = context.obj
    name = session.named(who)
    with open_store(session.folder.database) as store:
        workshop = Workshop(store, paths.RULES)
        read = read_packs(packs or [], workshop.base, reading(session))
        if read.problems:
            refuse_problems(read.problems, session, json=json, changes=[])
        if read.changes or off or restore:
            workshop.put_all(read.changes, name, off=off, restore=restore, anew=discard)
        elif discard:
            workshop.discard(name)
        differences = workshop.diff("in_force", "draft")
        problems = read.located(workshop.problems(checking(session)))
    end_progress()
    changes = [{"kind": d.kind, "id": d.id, "what": d.what} for d in differences]
    if not json:
        if not differences:
            show(text("cli.rules.no_difference", session.language))
        for one in differences:
            show(f"{one.what}  {one.id}")
    if problems:
        refuse_problems(problems, session, json=json, changes=changes)
    if json:
        emit({"changes": changes, "problems": []})


def replay_(
    context: typer.Context,
    packs: list[Path] = typer.Argument(None, help="Packs on top of what is in force."),
    version: int | None = typer.Option(None, "--version", help="A version; else the draft."),
    rows: int = typer.Option(_ROWS, "--rows", min=0, help="How many texts to show at most."),
    as_of: datetime | None = typer.Option(
        None,
        "--as-of",
        formats=["%Y-%m-%d"],
        metavar="DATE",
        help="Judge by the rules' dates as of this day; else as of today.",
    ),
    json: Json = False,
) -> None:
    """What changed rules would do to everything that was said: nothing is changed."""
    from engine.workshop.importing import read_packs, set_with
    from engine.workshop.replay import Row, not_in_force, replay

    session: Session = context.obj
    if packs and version is not None:
        raise typer.BadParameter("give PACKS or --version")
    shown: list[Row] = []
    with open_store(session.folder.database) as store:
        workshop = Workshop(store, paths.RULES)
        former = workshop.rule_set("in_force")
        if packs:
            read = read_packs(packs, workshop.base, reading(session))
            in_use = workshop.changes("in_force")
            changed, problems = set_with(workshop.base, in_use, read, checking(session))
            if problems:
                refuse_problems(problems, session, json=json)
        else:
            changed = workshop.rule_set("draft" if version is None else version)
        names = {one.id: one for one in (*former.rules, *changed.rules)}
        day = as_of.date() if as_of is not None else date.today()
        for step in replay(store, former, changed, language=session.language, day=day):
            shown += step.rows[: max(0, rows - len(shown))]
            progress(f"{step.done}/{step.total}")
            totals = step.totals
    asleep = not_in_force(former, changed, day)
    end_progress()
    if json:
        emit(
            {
                "former": former.version,
                "changed": changed.version,
                "as_of": day,
                "not_in_force": asleep,
                **{name: getattr(totals, name) for name in totals.__struct_fields__},
                "rows": shown,
                "left_out": max(0, totals.new + totals.lost + totals.altered - len(shown)),
            }
        )
        return
    language = session.language
    show(text("cli.rules.replayed.day", language, day=day))
    if asleep:
        rules = text("cli.rules.replayed.and", language).join(asleep)
        show(text("cli.rules.replayed.asleep", language, rules=rules))
    show(_counted(session, totals.texts, totals))
    for rule, counts in sorted(totals.rules.items()):
        known = names.get(rule)
        name = known.name.of(language) if known else ""
        show(f"{rule} {name}: {_counted(session, None, counts)}")
    for row in shown:
        line = " ".join(row.excerpt.split())
        show(f"  {row.what}{' ' + row.flips if row.flips else ''}  {row.rule}  {row.side}  {line}")


def versions(context: typer.Context, json: Json = False) -> None:
    """All versions, newest first, with everything that was done with them."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        found = store.rule_versions.all()
        hits = store.rule_versions.trial_hits()
    if json:
        emit({"versions": found, "trial_hits": hits})
        return
    if not found:
        show(text("cli.rules.no_versions", session.language))
    for one in found:
        show(_line(session, one))


def export(
    context: typer.Context,
    out: Path = typer.Option(..., "--out", metavar="FILE", help="The pack to write."),
    which: str = typer.Argument("in_force", help="A number, in_force or draft."),
    json: Json = False,
) -> None:
    """Write what the company has changed as one pack, for `zuoxi rules draft` on another desk."""
    from engine.workshop.exporting import packed

    session: Session = context.obj
    with open_store(session.folder.database) as store:
        workshop = Workshop(store, paths.RULES)
        chosen = _which(which)
        workshop.rule_set(chosen)
        changes = workshop.changes(chosen)
        number = chosen if isinstance(chosen, int) else workshop.standing().used
        pack = packed(workshop.base, changes, number, session.who)
    try:
        out.write_text(pack, "utf-8")
    except OSError as error:
        raise InputError(
            f"{out} cannot be written ({error.strerror}).",
            "pack_not_written",
            name=str(out),
            detail=error.strerror or "",
        ) from error
    if json:
        emit({"file": str(out), "changes": len(changes)})
    else:
        show(text("cli.rules.exported", session.language, file=out, n=len(changes)))


def diff(
    context: typer.Context,
    former: str = typer.Argument("in_force", help="A number (0: as shipped), in_force or draft."),
    changed: str = typer.Argument("draft", help="As well."),
    json: Json = False,
) -> None:
    """What differs between two versions, rule by rule."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        found = Workshop(store, paths.RULES).diff(_which(former), _which(changed))
    if json:
        emit({"differences": found})
        return
    if not found:
        show(text("cli.rules.no_difference", session.language))
    for one in found:
        show(f"{one.what}  {one.id}")
        for line in one.lines:
            show(f"    {line}")


def trial(context: typer.Context, comment: Comment, who: Who = None, json: Json = False) -> None:
    """Make the draft a version that runs on trial: its new and changed rules only record hits."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        made = Workshop(store, paths.RULES).start_trial(session.named(who), comment)
    _done(session, made, json)


def refuse_(
    context: typer.Context,
    comment: Comment,
    number: Number = None,
    who: Who = None,
    json: Json = False,
) -> None:
    """Turn down a version that somebody else asked to publish."""
    _step(context, Workshop.refuse, number, who, comment, json)


def rollback(
    context: typer.Context,
    comment: Comment,
    number: int | None = typer.Argument(
        None, help="A version that was in force (0: as shipped); else the one before."
    ),
    who: Who = None,
    json: Json = False,
) -> None:
    """Put a version that was in force before into force again, at once."""
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        before = store.rule_versions.formerly_in_force()
        if number is None and not before:
            raise InputError("Nothing was in force before.", "none_before")
        to = before[0] if number is None else number
        now = Workshop(store, paths.RULES).roll_back(to, session.named(who), comment)
    if json:
        emit({"in_force": to, "rules": now.rules})
    else:
        language = session.language
        show(text("cli.rules.rolled_back", language, name=named(to).of(language), rules=now.rules))


def _command(step: Callable[[Workshop, int, str, str], RuleVersion], help: str) -> Command:
    """The command that takes a step with a version, for which a comment may be given."""

    def command(
        context: typer.Context,
        number: Number = None,
        comment: Comment = "",
        who: Who = None,
        json: Json = False,
    ) -> None:
        _step(context, step, number, who, comment, json)

    command.__doc__ = help
    return command


def _step(
    context: typer.Context,
    step: Callable[[Workshop, int, str, str], RuleVersion],
    number: int | None,
    who: str | None,
    comment: str,
    json: bool,
) -> None:
    session: Session = context.obj
    with open_store(session.folder.database) as store:
        workshop = Workshop(store, paths.RULES)
        made = step(workshop, _number(store, number), session.named(who), comment)
    _done(session, made, json)


def _number(store: Store, number: int | None) -> int:
    if number is not None:
        return number
    on_trial = store.rule_versions.standing().trial
    if on_trial is None:
        raise InputError("No version is on trial. Nothing was changed.", "rules_no_trial")
    return on_trial.number


def _which(name: str) -> Any:
    if name in ("draft", "in_force"):
        return name
    if name.isdecimal():
        return int(name)
    raise typer.BadParameter("a version is a number, in_force or draft")


def _done(session: Session, version: RuleVersion, json: bool) -> None:
    if json:
        emit(version)
    else:
        show(_line(session, version))


def _line(session: Session, one: RuleVersion) -> str:
    state = text(f"cli.rules.state.{one.state}", session.language)
    names = ", ".join(filter(None, (*one.authors, one.published_by)))
    return f"{one.number}  {state}  {one.rule_set}  {names}  {one.comment}".rstrip()


def _counted(session: Session, texts: int | None, counts: Any) -> str:
    values = {name: getattr(counts, name) for name in ("new", "lost", "altered", "better", "worse")}
    line = text("cli.rules.replayed", session.language, **values)
    if texts is None:
        return line
    return text("cli.rules.replayed.all", session.language, texts=texts) + line
