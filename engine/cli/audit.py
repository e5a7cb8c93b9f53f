"""`zuoxi audit …`: the chained record of what was done, checked, signed off and exported."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import typer

from engine.cli.console import Json, Session, a_path, emit, refuse, report, say, show
from engine.errors import InputError, StoreError
from engine.learning.exporting import export_failed
from engine.records import Language
from engine.store.audit import Head
from engine.store.audit_check import Finding
from engine.store.store import Store, open_store
from engine.texts import text

group = typer.Typer(help="The record of what was done: check, export.", no_args_is_help=True)

_SHORT = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="audit")


@group.command("verify")
def verify(
    context: typer.Context,
    head: list[str] = typer.Option(
        [], "--head", metavar="FILE|COUNT:HASH", help="A head that was kept elsewhere."
    ),
    json: Json = False,
) -> None:
    """Walk the chain; name records that were altered, taken out, put in, moved or cut off."""
    session: Session = context.obj
    heads = [_head(one) for one in head]
    with _opened(session) as store:
        outcome = store.verify_audit(*heads)
    findings = [
        {**msgspec.structs.asdict(one), "message": in_words(one, session.language)}
        for one in outcome.findings
    ]
    result = {
        "sound": outcome.sound,
        "records": outcome.head.count,
        "head": outcome.head,
        "against": outcome.against,
        "findings": findings,
        "wrong": outcome.wrong,
        "older": outcome.older,
        "put_back": outcome.put_back,
    }
    notices = []
    if outcome.older:
        notices.append(text("cli.audit.older", session.language, n=outcome.older))
    for number in outcome.put_back:
        notices.append(text("cli.audit.put_back", session.language, at=number))
    if outcome.sound:
        if json:
            emit(result)
            return
        show(text("cli.audit.sound", session.language, n=outcome.head.count))
        for one in outcome.against:
            show(text("cli.audit.against", session.language, n=one.count, hash=one.hash[:12]))
        for notice in notices:
            show(notice)
        if not heads:
            say(text("cli.audit.keep_a_head", session.language))
        return
    if not json:
        for finding in findings:
            show(str(finding["message"]))
        for notice in notices:
            show(notice)
    broken = StoreError(
        f"The audit does not hold: {outcome.wrong} findings. Nothing was changed; keep the "
        "database as it is.",
        "audit_broken",
        count=outcome.wrong,
    )
    refuse(broken, session, json=json, **result)


@group.command("head")
def head(
    context: typer.Context,
    out: Path | None = typer.Option(
        None, "--out", metavar="FILE", help="Write it here as well.", parser=a_path
    ),
    json: Json = False,
) -> None:
    """How far the chain reaches, to be kept elsewhere and held against it later."""
    session: Session = context.obj
    with _opened(session) as store:
        now = store.audit.head()
    if out is not None:
        try:
            out.write_bytes(msgspec.json.encode(now) + b"\n")
        except OSError as error:
            raise export_failed(out, error) from error
    report(now, f"{now.count}:{now.hash}", json=json)


@group.command("export")
def export(
    context: typer.Context,
    out: Path = typer.Option(
        ..., "--out", metavar="FILE", help="The file to write.", parser=a_path
    ),
    json: Json = False,
) -> None:
    """Write the chain as JSON Lines; `record` is the text that was hashed after the former hash."""
    session: Session = context.obj
    scratch = out.with_name(f"{out.name}.tmp")
    count = 0
    with _opened(session) as store:
        try:
            with scratch.open("wb") as file:
                for line in store.audit.lines():
                    file.write(line + b"\n")
                    count += 1
            scratch.replace(out)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            raise export_failed(out, error) from error
    report(
        {"records": count, "file": str(out)},
        text("cli.audit.exported", session.language, n=count, out=str(out)),
        json=json,
    )


def _opened(session: Session) -> Store:
    """The store, not to be changed: what is looked into must stay as it is."""
    return open_store(session.folder.database, read_only=True)


def _head(given: str) -> Head:
    if short := _SHORT.fullmatch(given.strip()):
        return Head(int(short[1]), short[2])
    try:
        return msgspec.json.decode(Path(given).read_bytes(), type=Head)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{given} is no head: neither COUNT:HASH nor a file that `audit head` wrote.",
            "bad_head",
            name=given,
        ) from error


def in_words(finding: Finding, language: Language) -> str:
    """What was found, for a person."""
    span = str(finding.number)
    if finding.until > finding.number:
        span += f"–{finding.until}"
    return text(f"cli.audit.{finding.what}", language, at=span, subject=finding.subject)
