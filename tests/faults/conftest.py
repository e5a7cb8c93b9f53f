"""What the tests of faults at the desk share: a desk without an engine, and a small disk."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from desktop.app import Desk

LAWYER_RULES = """
pack: {id: faults, version: 1, owner: tests, title: {zh: 测试, en: Tests}}
rules:
  - id: f.lawyer
    side: customer
    category: legal
    level: L3
    action: handover
    name: {zh: 律师, en: Lawyer}
    why: {zh: 客户提到律师, en: The customer speaks of a lawyer}
    advice: {zh: 交给法务, en: Give it to legal}
    script: {zh: 马上转专人处理。, en: I pass it to a colleague.}
    match: {words: [律师函]}
    must_hit: [律师函在路上了]
    must_miss: [你好]
"""


class Told:
    """Every error that the desk has put before the agent, as words in Chinese."""

    def __init__(self, desk: Desk) -> None:
        self._errors: list[Any] = []
        # In the place of the banner, which shows one at a time.
        tell = desk.notices.tell

        def note(error: Any) -> None:
            self._errors.append(error)
            tell(error)

        desk.background.trouble.connect(self._errors.append)
        for source in (desk.intake, desk.outgoing, desk.page, desk.soundness):
            source.trouble.disconnect()
            source.trouble.connect(note)

    def codes(self) -> list[str]:
        return [error.code for error in self._errors]

    def words(self, code: str) -> str:
        from engine.texts import explain

        return next(explain(one, "zh") for one in self._errors if one.code == code)


@pytest.fixture(scope="session")
def fault_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One pack of one rule, so that desks and engines open fast."""
    folder = tmp_path_factory.mktemp("fault_rules")
    (folder / "faults.yaml").write_text(LAWYER_RULES, "utf-8")
    return folder


@pytest.fixture
def told() -> type[Told]:
    """Listens to what a desk tells the agent."""
    return Told


@pytest.fixture
def fault_desk(qtbot: QtBot, fault_rules: Path) -> Iterator[Callable[..., Desk]]:
    """Opens desks without an engine; each is closed again."""
    from desktop.app import build_desk
    from engine.paths import DataFolder

    opened: list[Desk] = []

    def open_(root: Path, **options: Any) -> Desk:
        options = {"start_engine": False, "rules": fault_rules} | options
        desk = build_desk(DataFolder(root), **options)
        desk.window.show()
        opened.append(desk)
        return desk

    yield open_
    for desk in opened:
        desk.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB of its own; skips where this user may mount nothing."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("only an administrator may mount a small disk; the page limit is tried instead")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


@pytest.fixture
def fill() -> Callable[[Path], Path]:
    """Fills the disk of a folder to its last byte; deleting the file it returns frees it."""

    def full(folder: Path) -> Path:
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue
        return filler

    return full
