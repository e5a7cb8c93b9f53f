"""Queue, conversation, rail, status, banner and settings: what goes in and what comes out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox

from desktop.pages.review_columns import ReviewColumns
from desktop.session.review_model import ReviewModel
from desktop.theme import DARK, Look
from desktop.widgets.banner import Banner
from desktop.widgets.conversation_view import ConversationView
from desktop.widgets.keys_dialog import KeysDialog
from desktop.widgets.queue_delegate import describe
from desktop.widgets.queue_panel import QueuePanel
from desktop.widgets.rail_bar import RailBar
from desktop.widgets.setting_fields import Stepper
from desktop.widgets.settings_form import SettingsForm, size_text
from desktop.widgets.status_bar import StatusBar
from desktop.widgets.values import PAGES, Bubble, RailPage
from engine.settings import Settings


@pytest.fixture
def queue(look: Look, qtbot: Any, row_model: Any, sample: Any) -> QueuePanel:
    panel = QueuePanel(look)
    qtbot.addWidget(panel)
    panel.rows = row_model(sample.rows)
    panel.set_model(panel.rows)
    panel.resize(300, 700)
    panel.show()
    return panel


def test_the_queue_opens_what_is_chosen_and_nothing_twice(queue: QueuePanel) -> None:
    opened: list[str] = []
    queue.opened.connect(opened.append)
    queue.select_next()
    queue.select_next()
    queue.select_previous()
    queue.select_previous()
    assert opened == ["王女士", "李先生", "王女士"]
    assert queue.select("赵先生") and queue.current_id() == "赵先生"
    assert opened[-1] == "王女士", "choosing by code is silent"
    assert not queue.select("nobody")


def test_keys_of_the_window_are_its_own_while_the_search_line_is_empty(queue: QueuePanel) -> None:
    field = queue._search
    for words, taken in (("", False), ("ab", True)):
        field.setText(words)
        for key in (Qt.Key.Key_Backspace, Qt.Key.Key_Z):
            control = Qt.KeyboardModifier.ControlModifier
            event = QKeyEvent(QEvent.Type.ShortcutOverride, key, control)
            event.ignore()
            QApplication.sendEvent(field, event)
            assert event.isAccepted() == taken


def test_searching_and_filtering_are_told_and_cleared_together(queue: QueuePanel) -> None:
    said: list[str] = []
    queue.search_changed.connect(said.append)
    queue.filter_changed.connect(said.append)
    queue.focus_search()
    QTest.keyClicks(queue._search, "ab")
    queue._chips["gap"].click()
    assert said == ["a", "ab", "gap"] and queue.current_filter() == "gap"
    queue._on_empty_action()
    assert said[3:] == ["", "all"] and queue.current_filter() == "all"


def test_an_empty_queue_offers_the_sample(look: Look, qtbot: Any, row_model: Any) -> None:
    panel = QueuePanel(look)
    qtbot.addWidget(panel)
    panel.rows = row_model([])
    panel.set_model(panel.rows)
    assert panel._stack.currentWidget() is panel._empty
    with qtbot.waitSignal(panel.start_requested):
        panel._empty._button.click()
    panel.set_start_offered(False)
    assert panel._empty._button.isHidden()


def test_a_row_is_told_in_words(queue: QueuePanel, look: Look) -> None:
    told = describe(look, queue.rows.index(2, 0))
    for part in ("赵先生", "转人工", "法律风险", "03:55", "1 条未读"):
        assert part in told


@pytest.fixture
def view(look: Look, qtbot: Any, sample: Any, now: float) -> ConversationView:
    made = ConversationView(look, lambda: now)
    qtbot.addWidget(made)
    made.set_head(sample.head)
    made.set_bubbles(sample.bubbles)
    made.resize(600, 900)
    with qtbot.waitExposed(made):
        made.show()
    made.grab()
    return made


def test_ten_thousand_messages_lay_out_only_what_is_seen(
    view: ConversationView, now: float
) -> None:
    many = [Bubble(f"b{n}", "customer", f"第 {n} 条 " * (n % 9 + 1), now) for n in range(10_000)]
    view.set_bubbles(many)
    view.grab()
    inside = view.message_list()
    assert inside.laid_out() < 100
    bar = inside.verticalScrollBar()
    assert bar.value() == bar.maximum()
    bar.setValue(0)
    view.grab()
    assert inside.laid_out() < 200


def test_undo_is_a_click_on_the_message_and_ends_with_its_time(
    view: ConversationView, sample: Any, now: float
) -> None:
    undone: list[str] = []
    view.undo_requested.connect(undone.append)
    inside = view.message_list()
    last = len(sample.bubbles) - 1
    spot = inside._layout(last).link.center()
    top = inside._offset() + inside._tops[last]
    point = QPoint(round(spot.x()) + 24, round(spot.y()) + top)
    QTest.mouseClick(inside.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert undone == ["d1"]
    inside._clock = lambda: now + 60
    view.grab()
    QTest.mouseClick(inside.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert undone == ["d1"]


def test_messages_are_copied_as_they_were_written(view: ConversationView, now: float) -> None:
    text = "<b>不是粗体</b>\n第二行😡 &amp;"
    view.set_bubbles([Bubble("x", "customer", text, now)])
    view.grab()
    inside = view.message_list()
    inside.setFocus()
    QTest.keyClick(inside, Qt.Key.Key_Up)
    QTest.keyClick(inside, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == text
    inside._selection = (0, 0, 8)
    assert inside.selected_text() == "<b>不是粗体<"


def test_dragging_selects_within_a_message(view: ConversationView, now: float) -> None:
    view.set_bubbles([Bubble("x", "customer", "东西坏了怎么办", now)])
    view.grab()
    inside = view.message_list()
    layout = inside._layout(0)
    top = inside._offset() + inside._tops[0]
    left = QPoint(24 + round(layout.text_at.x()), top + round(layout.text_at.y()) + 10)
    QTest.mousePress(inside.viewport(), Qt.MouseButton.LeftButton, pos=left)
    QTest.mouseMove(inside.viewport(), left + QPoint(500, 0))
    QTest.mouseRelease(inside.viewport(), Qt.MouseButton.LeftButton, pos=left + QPoint(500, 0))
    assert inside.selected_text() == "东西坏了怎么办"


def test_a_huge_message_is_cut_opened_and_copied_whole(view: ConversationView, now: float) -> None:
    text = "长" * 1_000_000
    view.set_bubbles([Bubble("x", "customer", text, now)])
    view.grab()
    inside = view.message_list()
    assert len(inside._layout(0).shown) < 5000
    inside._toggle(0)
    view.grab()
    assert len(inside._layout(0).shown) < 50_000
    inside._current = 0
    inside.copy()
    assert len(QGuiApplication.clipboard().text()) == len(text)


def test_a_new_message_does_not_pull_a_reader_away(
    view: ConversationView, sample: Any, now: float
) -> None:
    view.resize(600, 300)
    inside = view.message_list()
    inside.verticalScrollBar().setValue(0)
    view.append_bubble(Bubble("new", "customer", "在吗", now))
    assert inside.verticalScrollBar().value() == 0 and not inside._newer.isHidden()
    inside._newer.click()
    bar = inside.verticalScrollBar()
    assert bar.value() == bar.maximum() and inside._newer.isHidden()
    view.append_bubble(Bubble("newer", "customer", "在吗", now))
    assert bar.value() == bar.maximum()


def test_a_message_is_replaced_in_place(view: ConversationView, sample: Any) -> None:
    view.update_bubble(replace(sample.bubbles[-1], origin="withdrawn", undo_until=0.0))
    assert view.message_list().bubbles()[-1].origin == "withdrawn"
    assert len(view.message_list().bubbles()) == len(sample.bubbles)


def test_the_rail_names_pages_and_asks_for_them(look: Look, qtbot: Any) -> None:
    rail = RailBar(look, [*PAGES, RailPage("knowledge", "books")])
    qtbot.addWidget(rail)
    asked: list[str] = []
    rail.page_requested.connect(asked.append)
    rail._buttons["knowledge"].click()
    rail.set_badge("knowledge", 3)
    assert asked == ["knowledge"]
    assert rail._buttons["knowledge"].accessibleName() == "知识，3 项待处理"
    rail.set_look(Look(DARK, "en"))
    assert rail._buttons["desk"].text() == "Desk"


def test_the_status_line_tells_state_and_versions(look: Look, qtbot: Any) -> None:
    bar = StatusBar(look)
    qtbot.addWidget(bar)
    bar.set_engine("starting", "model")
    assert "载入模型" in bar.accessibleDescription()
    bar.set_engine("ready", model="starter")
    bar.set_knowledge("v12")
    bar.set_accepted(0.5, 4)
    told = bar.accessibleDescription()
    assert "引擎就绪" in told and "知识 v12" in told and "50%" in told


def test_a_banner_stays_until_it_is_dismissed(look: Look, qtbot: Any) -> None:
    banner = Banner(look)
    qtbot.addWidget(banner)
    banner.show_message("error", "<i>引擎没了</i>", "为什么", "重试")
    assert banner.message() == "<i>引擎没了</i>"
    with qtbot.waitSignal(banner.action_requested):
        banner._action.click()
    banner._more.click()
    assert not banner._details.isHidden()
    with qtbot.waitSignal(banner.dismissed):
        banner._close.click()
    assert banner.isHidden() and banner.message() == ""


def test_settings_come_out_whole_and_valid(look: Look, qtbot: Any, tmp_path: Path) -> None:
    form = SettingsForm(look)
    qtbot.addWidget(form)
    heard: list[Settings] = []
    form.changed.connect(heard.append)
    form.set_styles([("warm_shop", "温暖店铺"), ("bank", "严谨金融")])
    form.set_settings(Settings(agent="小林"))
    assert heard == []
    style = form.field("style")
    assert isinstance(style, QComboBox)
    style.setCurrentIndex(1)
    style.activated.emit(1)
    form._gpu._more.click()
    form._undo._less.click()
    assert heard[-1] == Settings(agent="小林", style="bank", gpu_layers=0, undo_seconds=4.0)
    assert len(heard) == 3
    model = tmp_path / "m.gguf"
    form._model._take(str(model))
    assert form.problem("model") and len(heard) == 3
    model.write_bytes(b"GGUF")
    form._model._take(str(model))
    assert not form.problem("model") and heard[-1].model == str(model)
    form._agent.setText("长" * 61)
    form._agent.editingFinished.emit()
    assert form.problem("agent") and heard[-1].agent == "小林"


def test_the_model_must_be_a_gguf_file_and_the_embedder_a_folder(
    look: Look, qtbot: Any, tmp_path: Path
) -> None:
    form = SettingsForm(look)
    qtbot.addWidget(form)
    wrong = tmp_path / "x.bin"
    wrong.write_bytes(b"")
    form._model._take(str(wrong))
    form._embedder._take(str(wrong))
    assert form.problem("model") and form.problem("embedder")
    assert form.settings() == Settings()


def test_settings_change_language_where_they_stand(look: Look, qtbot: Any) -> None:
    form = SettingsForm(look)
    qtbot.addWidget(form)
    form.set_settings(Settings(gpu_layers=-1))
    assert form._gpu.line().text() == "自动"
    form.set_look(Look(DARK, "en"))
    assert form._gpu.line().text() == "Automatic"
    assert form.field("theme").accessibleName() == "Theme"


def test_sizes_read_like_sizes() -> None:
    assert [size_text(n) for n in (3, 2048, 5 << 20, 3 << 30)] == ["3 B", "2 KB", "5 MB", "3.0 GB"]


def test_the_keys_page_lists_every_action(look: Look, qtbot: Any) -> None:
    from desktop.actions import ACTIONS
    from desktop.widgets.blocks import Label

    page = KeysDialog(look)
    qtbot.addWidget(page)
    words = {label.text() for label in page.findChildren(Label)}
    assert {action.name("zh") for action in ACTIONS} <= words
    page.set_look(Look(DARK, "en"))
    words = {label.text() for label in page.findChildren(Label)}
    assert {action.name("en") for action in ACTIONS} <= words


@pytest.mark.parametrize(
    ("typed", "value"), [("12", 12), ("9999999999999", 256), ("x", 4), ("", 0), ("8 线程", 8)]
)
def test_a_number_is_taken_as_typed_within_its_limits(
    look: Look, qtbot: Any, typed: str, value: int
) -> None:
    field = Stepper(look, 0, 256, auto=True)
    qtbot.addWidget(field)
    field.set_value(4)
    heard: list[int] = []
    field.value_changed.connect(heard.append)
    field.line().setText(typed)
    field.line().editingFinished.emit()
    assert field.value() == value
    assert heard == ([value] if value != 4 else [])
    assert field.line().text() == (str(value) if value else "自动")
    QTest.keyClick(field.line(), Qt.Key.Key_Up)
    assert field.value() == min(256, value + 1)


def test_no_part_of_a_panel_is_a_window_of_its_own_for_a_moment(
    qapp: QApplication, look: Look
) -> None:
    shown: list[str] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Show and getattr(watched, "isWindow", bool)():
                shown.append(type(watched).__name__)
            return False

    watch = Watch()
    qapp.installEventFilter(watch)
    panel = QueuePanel(look)
    columns = ReviewColumns(look, time.time)
    for _ in columns.build(ReviewModel()):
        qapp.processEvents()
    qapp.removeEventFilter(watch)
    assert shown == []
    panel.deleteLater()
    columns.deleteLater()
