"""A desk at its knowledge page, files to import, and what is done there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from desktop.pages.knowledge import KnowledgePage

Open = Callable[..., Desk]
PATIENCE_MS = 20_000
TODAY = "2026-11-23"
HOSTILE = "<b>不要</b>告诉客户底价"
FILES = {
    "会员.md": "---\ntitle: 会员积分\nvalid_from: 2026-01-01\ntags: [积分, 会员]\n---\n"
    "# 攒积分\n每消费1元积1分。\n\n# 用积分\n100分抵1元。\n",
    "双十一.md": "---\nvalid_from: 2026-11-01\nvalid_until: 2026-11-12\n---\n# 双十一\n满减\n",
    "年货节.md": "---\nvalid_from: 2027-01-10\n---\n# 年货节\n全场九折。\n",
    "内部.md": f"---\ninternal: true\n---\n{HOSTILE}\n",
    "图.png": "x",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files to import: four that can be, one that cannot."""
    made = tmp_path / "新政策"
    made.mkdir()
    for name, words in FILES.items():
        (made / name).write_text(words, "utf-8")
    return made


@pytest.fixture
def page(qtbot: QtBot, open_desk: Open) -> Callable[..., KnowledgePage]:
    """Opens a desk at its knowledge page."""

    def show(**settings: Any) -> KnowledgePage:
        desk = open_desk()
        desk.drafting.set_as_of(TODAY)
        if settings:
            desk.apply(replace(desk.settings, **settings))
        with qtbot.waitActive(desk.window):
            desk.window.show()
            desk.window.activateWindow()
        desk.window.action("go_knowledge").trigger()
        made = desk.window.findChild(KnowledgePage)
        assert isinstance(made, KnowledgePage)
        qtbot.waitUntil(lambda: made.documents.listing() is not None, timeout=PATIENCE_MS)
        made.desk = desk  # type: ignore[attr-defined]
        return made

    return show


@pytest.fixture
def titles() -> Callable[[KnowledgePage], list[str]]:
    """The titles that are listed, in order."""
    return lambda page: [one.title for one in page.documents.list.shown()]


@pytest.fixture
def over(qtbot: QtBot) -> Callable[[KnowledgePage], None]:
    """Waits until nothing is under way, and the list is as it is now."""

    def wait(page: KnowledgePage) -> None:
        source: Any = page._source
        importing: Any = page._importing
        with qtbot.waitSignal(source.listed, timeout=PATIENCE_MS):
            qtbot.waitUntil(lambda: not importing.running, timeout=PATIENCE_MS)

    return wait


@pytest.fixture
def read(
    qtbot: QtBot, titles: Callable[[KnowledgePage], list[str]]
) -> Callable[[KnowledgePage, str], str]:
    """Looks at a document, and gives its text once it is there."""

    def look(page: KnowledgePage, title: str) -> str:
        table, card, source = page.documents.list.table, page.documents.card, page._source
        with qtbot.waitSignal(source.opened, timeout=PATIENCE_MS):
            table.go(titles(page).index(title))
            shown = card.shown()
            assert shown is not None
            source.open(shown.doc)
        card.text.finish()
        return card.text.toPlainText()

    return look
