from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListView, QWidget
from pytestqt.qtbot import QtBot

from desktop import app as desk_app
from desktop import theme
from desktop.app import Desk, build_desk, check_display
from desktop.pages.trouble import TroubleWindow
from desktop.theme import Look
from engine.errors import StoreError, ZuoxiError
from engine.paths import DataFolder
from engine.texts import explain

Open = Callable[..., Desk]
ROOT = Path(__file__).resolve().parents[3]

BUILD = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from desktop.app import build_desk
from engine.paths import DataFolder
app = QApplication([])
desk = build_desk(DataFolder(Path(sys.argv[1])), start_engine=False)
desk.window.show()
for _ in range(20):
    app.processEvents()
desk.close()
heavy = ("torch", "transformers", "sentence_transformers", "lancedb", "llama_cpp")
print([name for name in heavy if name in sys.modules])
"""


def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        timeout=120,
    )


def test_the_window_s_process_loads_nothing_heavy_and_leaves_cleanly(tmp_path: Path) -> None:
    done = run(BUILD, str(tmp_path / "data"), QT_QPA_PLATFORM="offscreen")
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_without_a_display_the_error_names_the_headless_demo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has sessions without a display")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ZuoxiError) as caught:
        check_display()
    assert caught.value.code == "no_display"
    for language in ("zh", "en"):
        assert "zuoxi demo --headless" in explain(caught.value, language)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    check_display()


def test_a_second_desk_on_the_same_data_is_refused_in_words(
    open_desk: Open, tmp_path: Path
) -> None:
    desk = open_desk()
    with pytest.raises(ZuoxiError) as caught:
        open_desk()
    assert caught.value.code == "desk_running"
    assert str(os.getpid()) in explain(caught.value, "zh")
    desk.close()
    open_desk()


def test_a_lock_of_a_process_that_died_is_taken_over(open_desk: Open, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = os.uname().nodename if hasattr(os, "uname") else ""
    lock = tmp_path / "data" / "desk.lock"
    lock.write_text(f"{dead.pid}\npython\n{host}\n", "utf-8")
    open_desk()


def test_a_foreign_database_is_left_alone_and_explained(
    qtbot: QtBot, open_desk: Open, tmp_path: Path, look: Look
) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.root.mkdir()
    folder.database.write_bytes(b"not a database, only words" * 100)
    before = folder.database.read_bytes()
    with pytest.raises(StoreError) as caught:
        open_desk()
    assert folder.database.read_bytes() == before
    window = TroubleWindow(look, caught.value, folder)
    qtbot.addWidget(window)
    window.show()
    assert window.words() == explain(caught.value, "zh")
    folder.database.unlink()
    open_desk()


def test_main_shows_the_trouble_and_returns_one(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    folder = DataFolder(tmp_path / "data")
    folder.root.mkdir()
    folder.database.write_bytes(b"not a database, only words" * 100)

    class Application:
        def __init__(self, real: object) -> None:
            self._real = real

        def exec(self) -> int:
            for window in self._real.topLevelWidgets():  # type: ignore[attr-defined]
                if isinstance(window, TroubleWindow) and window.isVisible():
                    shown.append(window.words())
                    window.close()
            return 0

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

    real = desk_app.application()
    monkeypatch.setattr(desk_app, "application", lambda: Application(real))
    monkeypatch.setattr(theme, "apply", lambda *_: None)
    assert desk_app.main(folder) == 1
    assert len(shown) == 1


def test_unreadable_settings_are_told_and_the_defaults_used(
    qtbot: QtBot, open_desk: Open, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "settings.toml").write_text("theme = 7", "utf-8")
    desk = open_desk()
    assert desk.settings.theme == "system"
    assert "设置文件" in desk.window.banner.message()


def test_broken_rules_keep_the_desk_shut(tmp_path: Path, qtbot: QtBot) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    with pytest.raises(ZuoxiError) as caught:
        build_desk(DataFolder(tmp_path / "data"), start_engine=False, rules=rules)
    assert caught.value.code == "rules_invalid"


def test_window_and_columns_stand_where_they_stood(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    desk.window.show()
    # The offscreen platform's screen is small, and a window is never restored beyond its screen.
    desk.window.resize(1080, 700)
    desk.page._splitter.setSizes([250, 400, 358])
    kept = desk.page._splitter.sizes()
    desk.window.close()
    again = open_desk()
    again.window.show()
    assert (again.window.width(), again.window.height()) == (1080, 700)
    assert again.page._splitter.sizes() == kept


def test_the_list_stands_first_and_then_the_most_urgent_conversation_is_open_and_marked(
    qtbot: QtBot, open_desk: Open
) -> None:
    desk = open_desk()
    with desk.store.transaction():
        first = desk.store.conversations.receive("王女士", "在吗", at=1.7e9).conversation
        desk.store.conversations.receive("李先生", "在吗", at=1.7e9 + 1)
    desk.queue.refresh()
    desk.window.show()
    qtbot.waitUntil(lambda: desk.session.snapshot is not None)
    assert desk.session.conversation == desk.page.queue.current_id() == first
    rows = desk.page.queue.findChild(QListView)
    assert isinstance(rows, QListView)
    assert [index.row() for index in rows.selectedIndexes()] == [0]
    assert desk.page.view.message_list().bubbles()[-1].text == "在吗"


def test_triggers_that_were_missing_are_told_in_the_banner(qtbot: QtBot, open_desk: Open) -> None:
    desk = open_desk()
    path = desk.store.path
    desk.close()
    with closing(sqlite3.connect(path)) as bare:
        (name,) = bare.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchone()
        bare.execute(f"DROP TRIGGER {name}")
        bare.commit()
    desk = open_desk()
    with qtbot.waitSignal(desk.soundness.trouble) as told:
        desk.soundness.look()
    assert (told.args[0].code, told.args[0].values) == ("guards_put_back", {"n": 1})
    assert "补上 1 个" in desk.window.banner.message()
    desk.close()
    desk = open_desk()
    assert desk.store.guards_put_back == ()


@pytest.mark.parametrize("page", ["desk", "knowledge", "review", "workshop", "settings"])
def test_whatever_tab_reaches_tells_its_name(qtbot: QtBot, open_desk: Open, page: str) -> None:
    desk = open_desk()
    desk.page.make_ready()
    desk.window.show()
    desk.window.show_page(page)

    def reached() -> list[QWidget]:
        every = [one for one in desk.window.findChildren(QWidget) if one.isVisible()]
        return [one for one in every if one.focusPolicy() & Qt.FocusPolicy.TabFocus]

    def unnamed() -> list[QWidget]:
        return [
            one for one in reached() if not (one.accessibleName() or getattr(one, "text", str)())
        ]

    # A page is put together in steps; the rail alone has the buttons of the pages.
    qtbot.waitUntil(lambda: len(reached()) > 7 and unnamed() == [])
