"""Every widget in every state, as pictures in build/screens/widgets-*.png."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QVBoxLayout, QWidget

from desktop.theme import S3, S4, Look
from desktop.widgets.banner import Banner
from desktop.widgets.boxes import column, row
from desktop.widgets.case_card import CaseCard
from desktop.widgets.composer import Composer
from desktop.widgets.conversation_view import ConversationView
from desktop.widgets.decision_bar import DecisionBar
from desktop.widgets.draft_card import DraftCard
from desktop.widgets.evidence_list import EvidenceList
from desktop.widgets.grounding_line import GroundingLine
from desktop.widgets.keys_dialog import KeysDialog
from desktop.widgets.queue_panel import QueuePanel
from desktop.widgets.rail_bar import RailBar
from desktop.widgets.settings_form import SettingsForm
from desktop.widgets.status_bar import StatusBar
from desktop.widgets.undo_toast import UndoToast
from desktop.widgets.values import Availability, CaseView
from engine.protocol import Offload
from engine.records import Draft
from engine.settings import Settings

Shoot = Callable[..., Path]


@pytest.fixture
def content(each_look: Look, sample_of: Callable[[str], Any]) -> Any:
    return sample_of(each_look.language)


@pytest.fixture
def board(qtbot: Any) -> Callable[..., QWidget]:
    """Widgets side by side in columns on one ground."""

    def make(*columns: list[QWidget], width: int = 400) -> QWidget:
        ground = QWidget()
        qtbot.addWidget(ground)
        across = row(ground, S4, S4)
        for widgets in columns:
            down = column(None, S4)
            for widget in widgets:
                if width:
                    widget.setFixedWidth(width)
                down.addWidget(widget)
                widget.show()
            down.addStretch(1)
            across.addLayout(down)
        return ground

    return make


def queue(look: Look, content: Any, row_model: Any) -> QueuePanel:
    panel = QueuePanel(look)
    panel.model = row_model(content.rows)  # kept alive with the panel
    panel.set_model(panel.model)
    panel.set_counts({"all": 8, "waiting": 6, "ready": 2, "handover": 1, "gap": 1, "replied": 1})
    panel.set_summary(6, 128)
    panel.select(content.rows[0].get(next(iter(content.rows[0]))))
    return panel


def status(look: Look) -> StatusBar:
    bar = StatusBar(look)
    bar.set_engine("ready", model="starter.gguf")
    bar.set_offload(Offload(0, 28), "CPU" if look.language == "zh" else "no GPU found")
    bar.set_knowledge("v12")
    bar.set_rules("v7")
    bar.set_accepted(0.64, 128)
    return bar


def ready(look: Look, content: Any) -> DraftCard:
    card = DraftCard(look)
    card.show_draft(content.draft, content.style, 0.8)
    return card


def desk(look: Look, content: Any, row_model: Any, now: float, case: CaseView | None) -> QWidget:
    """The whole desk, put together as a page would."""
    window = QWidget()
    down = column(window, 0)
    across = row(None, 0)
    rail = RailBar(look)
    rail.set_current("desk")
    across.addWidget(rail)
    panel = queue(look, content, row_model)
    panel.setFixedWidth(300)
    across.addWidget(panel)
    middle = column(None, 0)
    view = ConversationView(look, lambda: now)
    view.set_head(content.head)
    view.set_bubbles(content.bubbles)
    composer = Composer(look)
    under = column(None, 0)
    under.setContentsMargins(24, 0, 24, 16)
    under.addWidget(composer)
    middle.addWidget(view, 1)
    middle.addLayout(under)
    across.addLayout(middle, 1)
    right = QWidget()
    right.setFixedWidth(420)
    side = column(right, 0)
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    inside = QWidget()
    inside.setProperty("kind", "transparent")
    stack = column(inside, S3, S4)
    if case:
        card = CaseCard(look, lambda: now)
        card.set_case(case)
        stack.addWidget(card)
    else:
        draft = replace(content.draft, hits=(), unsupported=())
        card = DraftCard(look)
        card.show_draft(draft, content.style, 0.8)
        evidence, line = EvidenceList(look), GroundingLine(look)
        evidence.set_evidence(draft.evidence)
        evidence.set_cited({1, 2})
        line.set_draft(draft)
        for widget in (card, line, evidence):
            stack.addWidget(widget)
    stack.addStretch(1)
    scroll.setWidget(inside)
    side.addWidget(scroll, 1)
    if not case:
        side.addWidget(DecisionBar(look))
    across.addWidget(right)
    down.addLayout(across, 1)
    down.addWidget(status(look))
    return window


def test_the_desk_put_together(
    each_look: Look, content: Any, row_model: Any, now: float, shoot: Shoot, qtbot: Any
) -> None:
    window = desk(each_look, content, row_model, now, None)
    qtbot.addWidget(window)
    shoot(window, "widgets-desk-1440", each_look, 1440, 900)
    small = desk(each_look, content, row_model, now, content.case)
    qtbot.addWidget(small)
    shoot(small, "widgets-desk-case-1280", each_look, 1280, 720)
    assert small.width() == 1280, "the desk does not fit 1280 pixels"
    assert small.height() == 720


def test_draft_states(each_look: Look, content: Any, board: Any, shoot: Shoot) -> None:
    look, zh = each_look, each_look.language == "zh"
    none, queued, searching, found, streaming = (DraftCard(look) for _ in range(5))
    none.show_none()
    queued.show_queued(3)
    searching.show_drafting()
    found.show_drafting(content.evidence)
    streaming.show_drafting(content.evidence)
    streaming.append_text(content.draft.text[:48])
    gap, failed, stale, withdrawn, over = (DraftCard(look) for _ in range(5))
    asked = "客户问：能不能拿购物卡分两次付。" if zh else "Asked: can two gift cards pay one order?"
    gap.show_draft(Draft("abstained", reason=asked))
    failed.show_failed("模型文件读不出来。" if zh else "The model file cannot be read.")
    stale.show_draft(content.draft, content.style, 12.4)
    stale.set_stale(True)
    withdrawn.show_drafting(content.evidence)
    withdrawn.withdraw("金额没有依据。" if zh else "An amount had no source.")
    over.show_draft(Draft("handover"))
    full = ready(look, content)
    full._on_target("number:0")
    ground = board(
        [none, queued, searching, found],
        [streaming, gap, failed, over],
        [full],
        [stale, withdrawn],
        width=410,
    )
    shoot(ground, "widgets-draft", look, 1750)


def test_evidence_and_grounding(each_look: Look, content: Any, board: Any, shoot: Shoot) -> None:
    look = each_look
    closed, opened = EvidenceList(look), EvidenceList(look)
    for one in (closed, opened):
        one.set_evidence(content.evidence)
        one.set_cited({1})
    opened.open_number(content.draft.numbers[0])
    lines = [GroundingLine(look) for _ in range(3)]
    lines[0].set_draft(replace(content.draft, hits=(), unsupported=()))
    lines[1].set_draft(content.draft)
    lines[2].set_draft(replace(content.draft, hits=(), unsupported=(), numbers=()))
    bar, blocked, marked = DecisionBar(look), DecisionBar(look), DecisionBar(look)
    why = "草稿还没写完" if look.language == "zh" else "The draft is not finished"
    blocked.set_availability(Availability(accept=why, edit=why, reject=why, thumbs_down=why))
    marked.set_verdict(True)
    shoot(
        board([closed, *lines], [opened], [bar, blocked, marked], width=420),
        "widgets-evidence",
        look,
        1340,
    )


def test_case_states(each_look: Look, content: Any, board: Any, shoot: Shoot, now: float) -> None:
    cases = [
        content.case,
        replace(content.case, level="L4", owner="林组长", script_inserted=True, note="已致电"),
        CaseView(
            "投诉" if each_look.language == "zh" else "Complaint", "L2", closed=True, owner="林"
        ),
    ]
    cards = []
    for case in cases:
        card = CaseCard(each_look, lambda: now)
        card.set_case(case)
        cards.append(card)
    shoot(board(*([card] for card in cards), width=410), "widgets-case", each_look, 1330)


def test_queue_states(
    each_look: Look, content: Any, board: Any, shoot: Shoot, row_model: Any, qtbot: Any
) -> None:
    look = each_look
    empty, nothing = QueuePanel(look), QueuePanel(look)
    gap = look.text("queue.filter.gap")
    next(chip for chip in nothing.findChildren(QPushButton) if chip.text() == gap).click()
    narrow = queue(look, content, row_model)
    panels = [queue(look, content, row_model), empty, nothing, narrow]
    rail = RailBar(look)
    rail.set_current("desk")
    rail.set_badge("settings", 3)
    ground = QWidget()
    qtbot.addWidget(ground)
    across = row(ground, S4)
    across.addWidget(rail)
    for panel, width in zip(panels, (300, 300, 300, 240), strict=True):
        panel.setFixedWidth(width)
        across.addWidget(panel)
    shoot(ground, "widgets-queue", look, 1300, 900)


def test_conversation_states(
    each_look: Look, content: Any, shoot: Shoot, now: float, qtbot: Any
) -> None:
    look = each_look
    full, empty, long = (ConversationView(look, lambda: now) for _ in range(3))
    full.set_head(content.head)
    full.set_bubbles(content.bubbles)
    long.set_head(replace(content.head, name="欧阳女士" * 6, subject="很长的主题 " * 9))
    text = "东西坏了，怎么办？<b>加粗</b> https://example.invalid/很长的地址 " * 80
    long.set_bubbles([replace(content.bubbles[3], text=text)])
    ground = QWidget()
    qtbot.addWidget(ground)
    across = row(ground, S4)
    for view in (full, empty, long):
        across.addWidget(view, 1)
    shoot(ground, "widgets-conversation", look, 1800, 860)


def test_composer_states(each_look: Look, content: Any, board: Any, shoot: Shoot) -> None:
    look = each_look
    empty, hits, script, off, enter = (Composer(look) for _ in range(5))
    hits.set_text(content.typed)
    hits.set_hits(content.hits)
    hits.set_blocked("承诺了结果" if look.language == "zh" else "it promises an outcome")
    script.set_text(content.typed)
    script.set_hits(content.hits[1:])
    script.set_scripts([content.case.script])
    off.set_enabled(False, "会话已关闭" if look.language == "zh" else "The conversation is closed")
    enter.set_enter_sends(True)
    enter.set_text("好的" if look.language == "zh" else "All right")
    shoot(board([empty, hits, enter], [script, off], width=560), "widgets-composer", look, 1190)


def test_notes_and_status(each_look: Look, board: Any, shoot: Shoot) -> None:
    look, zh = each_look, each_look.language == "zh"
    warning, error, info = (Banner(look) for _ in range(3))
    warning.show_message(
        "warning",
        "引擎意外退出，已重新启动；没写完的草稿会接着写。"
        if zh
        else "The engine died and was restarted.",
        "signal 11",
    )
    error.show_message(
        "error",
        "没有可用的模型。接待照常，只是没有草稿。" if zh else "There is no model; drafts are off.",
        "/models/none.gguf",
        "去设置" if zh else "Settings",
    )
    error._toggle()
    info.show_message("info", "离线工作，数据只在本机。" if zh else "Working offline.")
    toast = UndoToast(look)
    toast.show_for("d1", 5)
    bars = [status(look), StatusBar(look), StatusBar(look), StatusBar(look)]
    bars[1].set_engine("starting", "model")
    bars[2].set_engine("no_model", reason="在设置里选择" if zh else "choose one in the settings")
    bars[3].set_engine("drafting", model="starter.gguf")
    holder = QWidget()
    inner = row(holder)
    inner.addWidget(toast)
    inner.addStretch(1)
    ground = board([warning, error, info, holder, *bars], width=1100)
    shoot(ground, "widgets-notes", look, 1140)


def test_settings_and_keys(each_look: Look, shoot: Shoot, qtbot: Any) -> None:
    look, zh = each_look, each_look.language == "zh"
    form = SettingsForm(look)
    qtbot.addWidget(form)
    form.set_styles([("warm_shop", "温暖店铺" if zh else "Warm shop"), ("bank", "严谨金融")])
    form.set_settings(Settings(agent="小林" if zh else "Lin", language=look.language))
    form.set_data_folder("/home/agent/.local/share/zuoxi", 734_003_200)
    form._path_chosen("model", "/nowhere/model.gguf")
    form.complete()
    shoot(form, "widgets-settings", look, 1100, 1180)
    keys = KeysDialog(look)
    qtbot.addWidget(keys)
    shoot(keys, "widgets-keys", look, keys.width(), keys.height())


def test_reject_reasons_popup(
    each_look: Look, shoot: Shoot, qtbot: Any, qapp: QApplication
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    layout.addStretch(1)
    bar = DecisionBar(each_look)
    layout.addWidget(bar)
    window.resize(420, 500)
    window.show()
    qapp.processEvents()
    bar.open_reasons()
    menu = bar.reasons()
    assert menu.isVisible()
    shoot(menu, "widgets-reasons", each_look, menu.width(), menu.height())
    menu.close()
