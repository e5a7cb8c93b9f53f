"""`zuoxi doctor`: checks everything a desk stands on and says what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import typer
from msgspec import Struct

from engine import paths
from engine.cli.console import Session, emit, show
from engine.errors import ZuoxiError
from engine.settings import engine_config
from engine.texts import explain, text

Verdict = Literal["ok", "warning", "error"]
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


def doctor(context: typer.Context, json: bool = typer.Option(False, "--json")) -> None:
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
    config = engine_config(session.folder, session.settings)
    yield from _model(session, Path(config.model))
    yield from _knowledge(session, Path(config.embedder))
    yield _database(session)
    yield _rules(session)
    yield _fonts(session)
    yield _display(session)


def _model(session: Session, path: Path) -> Iterator[Finding]:
    from engine.drafting.llama import load_generator
    from engine.drafting.offload import gpu_devices

    try:
        generator = load_generator(path, gpu_layers=session.settings.gpu_layers, context=1024)
    except ZuoxiError as error:
        yield _failed(session, "model", error)
    else:
        yield Finding("model", "ok", generator.name)
        offload = generator.offload
        generator.close()
        detail = f"{offload.device} {offload.layers}/{offload.total}"
        detail += f" · {text(offload.reason, session.language)}"
        names = ", ".join(device.name for device in gpu_devices())
        yield Finding("gpu", "ok", f"{detail} {names}".strip())


def _knowledge(session: Session, folder: Path) -> Iterator[Finding]:
    from engine.knowledge.embedding import load_embedder
    from engine.knowledge.search import Searcher

    try:
        embedder = load_embedder(folder)
    except ZuoxiError as error:
        yield _failed(session, "embedder", error)
        return
    yield Finding("embedder", "ok", f"{embedder.name} ({embedder.dimension})")
    try:
        searcher = Searcher.open(session.folder.knowledge, embedder)
    except ZuoxiError as error:
        yield _failed(session, "knowledge", error)
        return
    if not searcher.passage_count:
        advice = text("cli.doctor.import", session.language)
        yield Finding("knowledge", "warning", text("cli.kb.empty", session.language), advice)
    else:
        yield Finding("knowledge", "ok", f"v{searcher.version} · {searcher.passage_count}")


def _database(session: Session) -> Finding:
    from engine.store.store import open_store

    path = session.folder.database
    if not path.exists():
        return Finding("database", "ok", text("cli.doctor.no_database", session.language))
    try:
        with open_store(path) as store:
            problems = store.check()
    except ZuoxiError as error:
        return _failed(session, "database", error)
    if problems:
        advice = text("cli.doctor.database", session.language)
        return Finding("database", "error", problems[0], advice)
    return Finding("database", "ok", str(path))


def _rules(session: Session) -> Finding:
    from engine.redline.rules import load_rules

    try:
        rule_set = load_rules(paths.RULES)
    except ZuoxiError as error:
        return _failed(session, "rules", error)
    return Finding("rules", "ok", f"{rule_set.version} · {len(rule_set.rules)}")


def _fonts(session: Session) -> Finding:
    if sys.platform != "linux":
        return Finding("fonts", "ok", sys.platform)
    tool = shutil.which("fc-list")
    listed = ""
    if tool:
        listed = subprocess.run(
            [tool, ":lang=zh", "family"], capture_output=True, text=True, timeout=20, check=False
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
    return Finding(check, "error", error.code, explain(error, session.language))
