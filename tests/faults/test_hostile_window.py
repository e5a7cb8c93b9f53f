"""The window shows hostile text as text: no markup, no turned direction, no broken lines."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import FLIPPED, HOSTILE, MARKUP, UNFIT
from PySide6.QtCore import QEvent, QMimeData, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

from desktop.app import Desk, build_desk
from desktop.session.intake import ReplayChannel
from desktop.widgets.composer import LONGEST
from desktop.widgets.queue_roles import QueueRole
from engine.channels.replay import Opening, Scene
from engine.paths import DataFolder
from engine.records import Draft
from engine.settings import Settings
from engine.settings import save as save_settings


@pytest.fixture
def desk(qtbot: Any, tmp_path: Path) -> Iterator[Desk]:
    """A desk without an engine: its drafts are put into the store by the tests."""
    folder = DataFolder(tmp_path / "data")
    save_settings(folder, Settings(theme="light", agent="小满", undo_seconds=0.0))
    made = build_desk(folder, start_engine=False)
    made.window.resize(1440, 900)
    made.window.show()
    yield made
    made.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def serve(qtbot: Any, desk: Desk) -> Callable[..., None]:
    """A customer of that name writes; opens the conversation when it is there."""

    def write(name: str, *words: str, **more: str) -> None:
        key = f"k{desk.queue.rowCount()}"
        opening = tuple(Opening(one) for one in words)
        scene = Scene(key, name, opening, **more)  # type: ignore[arg-type]
        known = {row.id for row in desk.queue.rows()}
        desk.intake.add_channel(ReplayChannel([scene], desk._clock))

        def new() -> list[str]:
            return [row.id for row in desk.queue.rows() if row.id not in known]

        qtbot.waitUntil(lambda: bool(new()))
        desk.page.open(new()[0])
        qtbot.waitUntil(lambda: desk.session.snapshot is not None)
        QApplication.processEvents()

    return write


def shown(window: QWidget) -> Iterator[tuple[QWidget, str, str]]:
    """Every piece of text that a widget of the window shows or says: (widget, kind, text)."""
    for widget in [window, *window.findChildren(QWidget)]:
        yield widget, "name", widget.accessibleName()
        yield widget, "description", widget.accessibleDescription()
        yield widget, "tip", widget.toolTip()
        yield widget, "status tip", widget.statusTip()
        if isinstance(widget, QLabel | QAbstractButton | QLineEdit):
            yield widget, "text", widget.text()
        elif isinstance(widget, QPlainTextEdit | QTextEdit):
            yield widget, "text", widget.toPlainText()
            yield widget, "placeholder", widget.placeholderText()
        for action in widget.findChildren(
            QAction, options=Qt.FindChildOption.FindDirectChildrenOnly
        ):
            yield widget, "action", action.text()
    yield window, "title", window.windowTitle()


def check_shown(desk: Desk) -> str:
    """Nothing of what the window shows is markup, turns its direction or breaks its lines."""
    everything = []
    for widget, kind, words in shown(desk.window):
        where = f"{type(widget).__name__} {kind}"
        plain = words
        if kind == "tip" and words:
            document = QTextDocument()
            if "<" in words:  # Qt takes it for markup, then.
                document.setHtml(words)
                plain = document.toPlainText()
                assert "<img" not in words and "<a " not in words, where
                assert "￼" not in plain, where
        elif isinstance(widget, QLabel) and kind == "text":
            assert widget.textFormat() == Qt.TextFormat.PlainText, (where, words)
        elif isinstance(widget, QAbstractButton) and kind == "text":
            assert "<" not in words, where
        unfit = UNFIT & set(plain) - ({"\t"})
        assert not unfit, (where, [hex(ord(one)) for one in unfit])
        assert not any(0xD800 <= ord(one) <= 0xDFFF for one in plain), where
        everything.append(plain)
    for panel in desk.window.findChildren(QTextEdit):
        document = panel.document()
        block = document.begin()
        while block.isValid():
            for fragment in block:
                assert not fragment.fragment().charFormat().isImageFormat()
            block = block.next()
    return "\n".join(everything)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_window_shows_it_as_text(
    name: str, desk: Desk, serve: Callable[..., None], qtbot: Any
) -> None:
    words = HOSTILE[name]
    serve(words[:300] or "客", words, words, label=words[:60], subject=words[:200], channel="网页")
    desk.window.grab()
    check_shown(desk)
    rows = [desk.queue.index(at) for at in range(desk.queue.rowCount())]
    for row in rows:
        for role in (QueueRole.NAME, QueueRole.PREVIEW, Qt.ItemDataRole.ToolTipRole):
            value = row.data(role)
            assert not isinstance(value, str) or "\n" not in value or role not in QueueRole
    bubbles = desk.page.view.message_list()
    for bubble in bubbles.bubbles():
        assert bubble.role in ("customer", "agent", "system")
    bubbles.copy()
    # As a draft with the same in its evidence, and in the reply box.
    snapshot = desk.session.snapshot
    assert snapshot is not None
    from engine.records import Evidence

    clean = words.encode("utf-8", "replace").decode()
    evidence = Evidence(
        n=1,
        score=0.9,
        doc=f"{clean[:80]}.md",
        title=clean[:200],
        section=clean[:100],
        text=clean[:4_000],
    )
    draft = Draft("drafted", f"{clean[:2_000]}[1]", evidence=(evidence,))
    message = snapshot.row.newest_message
    desk.background.run(desk, lambda: desk.store.drafts.save(snapshot.row.id, message, draft)).done(
        lambda _: desk.session.refresh()
    )
    qtbot.waitUntil(
        lambda: desk.session.snapshot is not None and desk.session.snapshot.draft is not None,
    )
    QApplication.processEvents()
    desk.window.grab()
    check_shown(desk)
    pasted = QMimeData()
    pasted.setText(clean)
    pasted.setHtml(f"<html><body>{MARKUP}{clean[:500]}</body></html>")
    desk.page.composer.editor().insertFromMimeData(pasted)
    QApplication.processEvents()
    check_shown(desk)
    assert len(desk.page.composer.text()) <= LONGEST


def test_markup_reads_as_it_was_written(desk: Desk, serve: Callable[..., None]) -> None:
    serve("<b>王</b> & <i>李</i>", MARKUP, subject="<u>订单</u> & 退款", channel="<s>网页</s>")
    everything = check_shown(desk)
    assert "<b>王</b> & <i>李</i>" in everything
    assert "<u>订单</u> & 退款" in everything
    assert any(bubble.text == MARKUP for bubble in desk.page.view.message_list().bubbles())


def test_a_direction_override_is_seen_as_a_mark(desk: Desk, serve: Callable[..., None]) -> None:
    serve(f"王{FLIPPED}", "壶坏了")
    assert "\ufffd元001款退" in check_shown(desk)


def test_a_megabyte_in_the_window_and_in_the_reply_box(
    desk: Desk, serve: Callable[..., None], qtbot: Any
) -> None:
    words = "退" * (1 << 20)
    serve("客户", words)
    desk.window.grab()
    layouts = desk.page.view.message_list()
    assert layouts.bubbles()[-1].text == words
    longest = max(len(one.shown) for one in layouts._layouts.values())
    assert longest <= 1_200
    layouts._toggle(len(layouts.bubbles()) - 1)
    assert max(len(one.shown) for one in layouts._layouts.values()) <= 20_000
    pasted = QMimeData()
    pasted.setText(words)
    composer = desk.page.composer
    composer.editor().insertFromMimeData(pasted)
    assert len(composer.text()) == LONGEST
    said = "\n".join(words for _, _, words in shown(composer))
    assert f"末尾的 {len(words) - LONGEST:,} 字没有放进来" in said
    composer.editor().insertFromMimeData(pasted)
    assert len(composer.text()) == LONGEST


def test_ten_thousand_turns_are_not_all_laid_out(
    desk: Desk, serve: Callable[..., None], qtbot: Any
) -> None:
    serve("客户", "在吗")
    talk, store = desk.session.conversation, desk.store

    def fill() -> None:
        # As `Conversations.receive` would, but at once.
        store.conversations._database.run(
            """INSERT INTO messages
                (id, conversation, role, text, at, state, kind, sent_at, screened)
            WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted
                WHERE n < 9998)
            SELECT 'filled' || n, ?, 'customer', '第' || n || '句', 1e9 + n, 'received', '', NULL, 1
            FROM counted""",
            [talk],
        )
        store.conversations.receive("客户", "还在吗", conversation=talk, history=True)

    done: list[object] = []
    desk.background.run(desk, fill).done(done.append)
    qtbot.waitUntil(lambda: bool(done))
    desk.session.refresh()
    bubbles = desk.page.view.message_list()
    qtbot.waitUntil(lambda: bubbles.bubbles()[-1].text == "还在吗")
    desk.window.grab()
    assert bubbles.laid_out() < 600


# Nothing in the window can show markup unless it is one of these.
def test_only_the_shared_parts_make_labels_and_nobody_sets_markup() -> None:
    folder = Path(__file__).parents[2] / "desktop"
    forbidden = {
        "setHtml",
        "insertHtml",
        "appendHtml",
        "setMarkdown",
        "setStatusTip",
        "showMessage",
    }
    classes = {"QLabel", "QMessageBox", "QErrorMessage", "QToolTip"}
    found = set()
    for path in folder.rglob("*.py"):
        name = path.relative_to(folder).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in forbidden:
                found.add((name, node.attr))
            if isinstance(node, ast.Name) and node.id in classes:
                found.add((name, node.id))
    assert found <= {
        ("widgets/blocks.py", "QLabel"),
        ("widgets/bubble_list.py", "QToolTip"),
        # Through `tooltip`, which escapes.
        ("widgets/workshop_editor.py", "QToolTip"),
        ("actions.py", "setStatusTip"),
    }
