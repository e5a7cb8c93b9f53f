from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from desktop.app import Desk
from engine import settings as settings_file
from engine.paths import DataFolder

Open = Callable[..., Desk]


class RestartSpy:
    """Notes the configurations that the bridge is restarted with."""

    def __init__(self, desk: Desk) -> None:
        self.configs: list[Any] = []
        desk.bridge.restart = self.configs.append  # type: ignore[method-assign]


def test_language_and_theme_apply_at_run_time_and_are_kept(
    qtbot: QtBot, open_desk: Open, tmp_path: Path
) -> None:
    desk = open_desk()
    desk.store.handovers.open(desk.store.conversations.receive("甲", "一").conversation, "legal")
    RestartSpy(desk)
    desk.window.show()
    assert desk.window.windowTitle() == "坐席"
    with qtbot.waitSignal(desk.settings_page.applied):
        desk.settings_page.form.changed.emit(replace(desk.settings, language="en", theme="dark"))
    assert desk.window.windowTitle() == "Zuoxi"
    assert desk.window.action("accept").text() == "Accept and send"
    assert desk.page.draft.bar.button("accept").text() == "Accept and send"
    kept = settings_file.load(DataFolder(tmp_path / "data"))
    assert (kept.language, kept.theme) == ("en", "dark")
    desk.close()
    again = open_desk()
    assert again.window.windowTitle() == "Zuoxi"


def test_only_what_concerns_the_engine_restarts_it(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    spy = RestartSpy(desk)
    for harmless in ({"theme": "dark"}, {"undo_seconds": 9.0}, {"agent": "小满"}):
        with qtbot.waitSignal(desk.settings_page.applied):
            desk.settings_page.save(replace(desk.settings, **harmless))
    assert spy.configs == []
    with qtbot.waitSignal(desk.settings_page.applied):
        desk.settings_page.save(replace(desk.settings, threads=2))
    assert [config.threads for config in spy.configs] == [2]


def test_another_embedder_says_that_the_knowledge_must_be_indexed_again(
    qtbot: QtBot, open_desk: Open, desk_embedder: Path, tmp_path: Path
) -> None:
    desk = open_desk()
    RestartSpy(desk)
    desk.window.show()
    other = shutil.copytree(desk_embedder, tmp_path / "other")
    with qtbot.waitSignal(desk.settings_page.applied):
        desk.settings_page.save(replace(desk.settings, embedder=str(other)))
    assert "重新索引" in desk.window.banner.message()


def test_settings_that_cannot_be_written_leave_the_former_ones(
    qtbot: QtBot, open_desk: Open, tmp_path: Path
) -> None:
    desk = open_desk()
    desk.window.show()
    (tmp_path / "data" / "settings.tmp").mkdir()
    with qtbot.waitSignal(desk.settings_page.trouble):
        desk.settings_page.form.changed.emit(replace(desk.settings, threads=3))
    assert desk.settings_page.form.settings().threads == 0
    assert desk.settings.threads == 0
    assert "设置没有写入" in desk.window.banner.message()


def test_the_data_folder_s_size_is_measured(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    desk.window.show()
    desk.window.show_page("settings")
    form = desk.settings_page.form
    qtbot.waitUntil(lambda: form._size.isVisibleTo(form))


def test_what_automatic_means_for_the_model_in_use_is_said(
    qtbot: QtBot, open_desk: Open, tmp_path: Path
) -> None:
    from engine.learning.starter.tiny import let_quote, write_tiny_gguf

    desk = open_desk()
    RestartSpy(desk)
    desk.window.show()
    row = desk.settings_page.form._rows["mode"]
    own = write_tiny_gguf(tmp_path / "own.gguf")
    with qtbot.waitSignal(desk.settings_page.applied):
        desk.settings_page.save(replace(desk.settings, model=str(own)))
    qtbot.waitUntil(lambda: "没有评测过" in row.help_text())
    let_quote(own)
    desk.window.show_page("settings")
    qtbot.waitUntil(lambda: "逐字解决 100%，自由 0%" in row.help_text())
    assert row._field.accessibleDescription() == row.help_text()
    with qtbot.waitSignal(desk.settings_page.applied):
        desk.settings_page.save(replace(desk.settings, language="en"))
    assert "verbatim for this model" in row.help_text()


def test_a_model_or_embedder_that_cannot_be_used_is_refused_below_its_field(
    qtbot: QtBot, open_desk: Open, tmp_path: Path
) -> None:
    desk = open_desk()
    spy = RestartSpy(desk)
    (tmp_path / "wrong.gguf").write_bytes(b"GGUF and nothing else")
    (tmp_path / "empty").mkdir()
    form = desk.settings_page.form
    for field, path in (("model", tmp_path / "wrong.gguf"), ("embedder", tmp_path / "empty")):
        desk.settings_page.save(replace(desk.settings, **{field: str(path)}))
        qtbot.waitUntil(lambda field=field: bool(form.problem(field)))  # type: ignore[misc]
        assert getattr(form.settings(), field) == ""
    assert "不是可用的 GGUF 模型" in form.problem("model")
    assert "里没有向量模型" in form.problem("embedder")
    assert spy.configs == []
    assert settings_file.load(DataFolder(tmp_path / "data")).model == ""
    with qtbot.waitSignal(desk.settings_page.applied):
        desk.settings_page.save(replace(desk.settings, theme="dark"))
    assert form.problem("model") == form.problem("embedder") == ""
