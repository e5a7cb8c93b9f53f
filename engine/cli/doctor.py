"""`zuoxi doctor`: checks everything a desk stands on and says what to do."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import queue
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import typer
from msgspec import Struct

from engine import paths
from engine.cli.audit import in_words
from engine.cli.console import Json, Session, emit, show
from engine.client import EngineClient, uninterrupted
from engine.errors import ZuoxiError
from engine.protocol import EngineFailed, EngineReady, Event
from engine.settings import engine_config
from engine.texts import explain, text

if TYPE_CHECKING:
    from engine.store.store import Store

Verdict = Literal["ok", "warning", "error"]
_NAMED = 5
_MARKS: dict[Verdict, str] = {"ok": "✓", "warning": "!", "error": "✗"}


class Finding(Struct, frozen=True):
    """One thing checked: what was found, and what to do unless it is fine."""

    check: str
    status: Verdict
    detail: str
    advice: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(context: typer.Context, json: Json = False) -> None:
    """Check model, embedder, GPU, database, knowledge, rules, fonts and display."""
    session: Session = context.obj
    findings = list(examine(session))
    worst_is_error = any(finding.status == "error" for finding in findings)
    if json:
        emit({"ok": not worst_is_error, "checks": findings})
    else:
        for finding in findings:
            show(f"{_MARKS[finding.status]} {finding.check}: {finding.detail}")
            if finding.advice:
                show(f"    → {finding.advice}")
    if worst_is_error:
        raise typer.Exit(1)


def examine(session: Session) -> Iterator[Finding]:
    """All findings, each from the real thing: the model is loaded, the database is checked."""
    yield from _engine(session)
    yield _wordings(session)
    yield from _database(session)
    yield _rules(session)
    yield _fonts(session)
    yield _display(session)


def _engine(session: Session) -> Iterator[Finding]:
    """What the engine process says of itself: a model that crashes it must not end this one."""
    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    client = EngineClient(engine_config(session.folder, session.settings), heard.put)
    try:
        with uninterrupted():
            client.start()
        event = heard.get()
        while not isinstance(event, (EngineReady, EngineFailed)):
            event = heard.get()
    finally:
        client.close()
    if isinstance(event, EngineFailed):
        yield Finding("engine", "error", event.message)
        return
    language = session.language
    if event.model_error:
        yield Finding("model", "error", event.model_error)
    else:
        yield Finding("model", "ok", event.model)
        offload = event.offload
        detail = f"{offload.device} {offload.layers}/{offload.total}"
        yield Finding("gpu", "ok", f"{detail} · {text(offload.reason, language)}")
    if not event.embedder:
        yield Finding("embedder", "error", event.knowledge_error)
        return
    yield Finding("embedder", "ok", event.embedder)
    if event.knowledge_error:
        yield Finding("knowledge", "error", event.knowledge_error)
    elif not event.passages:
        empty = text("cli.kb.empty", language)
        yield Finding("knowledge", "warning", empty, text("cli.doctor.import", language))
    else:
        yield Finding("knowledge", "ok", f"v{event.knowledge} · {event.passages}")


def _wordings(session: Session) -> Finding:
    """The table of everyday wordings: lines of the operator's own that cannot be read."""
    from engine.knowledge.synonyms import synonyms_of

    table, bad = synonyms_of(session.folder.knowledge)
    if not bad:
        return Finding("wordings", "ok", text("cli.doctor.pairs", session.language, n=len(table)))
    lines = ", ".join(f"{one.file}:{one.line}" for one in bad[:5])
    advice = text("cli.doctor.wordings", session.language)
    return Finding("wordings", "warning", lines, advice)


def _database(session: Session) -> Iterator[Finding]:
    from engine.store.store import open_store

    path = session.folder.database
    if not path.exists():
        yield Finding("database", "ok", text("cli.doctor.no_database", session.language))
        return
    try:
        with open_store(path) as store:
            problems = store.check()
            if problems:
                advice = text("cli.doctor.database", session.language)
                yield Finding("database", "error", problems[0], advice)
                return
            yield Finding("database", "ok", str(path))
            yield from _audit(session, store)
    except ZuoxiError as error:
        yield _failed(session, "database", error)


def _audit(session: Session, store: Store) -> Iterator[Finding]:
    """Whether the record of what was done holds, and what of the stored is not to be relied on."""
    language, path = session.language, str(store.path)
    verified = store.verify_audit()
    advice = text("cli.doctor.audit", language, path=path)
    if verified.sound:
        yield Finding("audit", "ok", text("cli.audit.sound", language, n=verified.head.count))
    else:
        lines = [text("error.audit_broken", language, count=verified.wrong)]
        lines += [in_words(one, language) for one in verified.findings[:_NAMED]]
        yield Finding("audit", "error", " ".join(lines), advice)
    if verified.put_back:
        numbers = ", ".join(map(str, verified.put_back[-_NAMED:]))
        detail = text("cli.doctor.put_back", language, n=len(verified.put_back), at=numbers)
        todo = text("cli.doctor.put_back.advice", language, path=path)
        yield Finding("audit_guards", "warning", detail, todo)
    if forged := store.approvals.without_effect():
        detail = text("cli.doctor.forged_approvals", language, n=len(forged))
        yield Finding("approvals", "warning", detail, advice)
    if versions := store.rule_versions.without_effect():
        numbers = ", ".join(map(str, versions))
        detail = text("cli.doctor.forged_steps", language, versions=numbers)
        yield Finding("rule_versions", "warning", detail, advice)


def _rules(session: Session) -> Finding:
    """What runs; a version that does not load is told, and what is in use instead."""
    from engine.workshop.running import RulesWatcher

    try:
        found = RulesWatcher(session.folder.database, paths.RULES).look()
    except ZuoxiError as error:
        return _failed(session, "rules", error)
    assert found is not None
    detail = f"{found.rules} · {len(found.rule_set.rules)}"
    if found.problem is not None:
        return Finding("rules", "warning", detail, explain(found.problem, session.language))
    return Finding("rules", "ok", detail)


def _fonts(session: Session) -> Finding:
    if sys.platform != "linux":
        return Finding("fonts", "ok", sys.platform)
    tool = shutil.which("fc-list")
    listed = ""
    if tool:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            listed = subprocess.run(
                [tool, ":lang=zh", "family"],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=20,
                check=False,
            ).stdout.strip()
    if listed:
        return Finding("fonts", "ok", listed.splitlines()[0])
    advice = text("cli.doctor.fonts", session.language)
    return Finding("fonts", "warning", text("cli.doctor.no_fonts", session.language), advice)


def _display(session: Session) -> Finding:
    if importlib.util.find_spec("PySide6") is None:
        advice = text("cli.doctor.no_window", session.language)
        return Finding("display", "warning", "PySide6", advice)
    if sys.platform != "linux" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        return Finding("display", "ok", os.environ.get("DISPLAY", sys.platform))
    advice = text("cli.doctor.headless", session.language)
    return Finding("display", "warning", text("cli.doctor.no_display", session.language), advice)


def _failed(session: Session, check: str, error: ZuoxiError) -> Finding:
    return Finding(check, "error", explain(error, session.language))
