"""A full disk: what was not kept is said to be not kept, and the same click works later."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from desk_steps import opened
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from desktop.session.intake import ReplayChannel
from engine import reception
from engine import settings as settings_file
from engine.channels.replay import Opening, Scene
from engine.channels.taken import Taken, TakenFile
from engine.errors import InputError, StoreError, ZuoxiError
from engine.paths import DataFolder
from engine.records import Draft
from engine.settings import Settings
from engine.store.store import open_store
from engine.texts import explain

if TYPE_CHECKING:
    from desktop.app import Desk

Open = Callable[..., "Desk"]
Fill = Callable[[Path], Path]
LONG = "我们马上安排师傅上门。" * 800


class TmpfsDisk:
    """A real disk that is full to the last byte."""

    def __init__(self, disk: Path, fill: Fill) -> None:
        self.root = disk / "data"
        self._disk, self._fill = disk, fill

    def fill(self, _desk: Desk) -> None:
        self._filler = self._fill(self._disk)

    def free(self, _desk: Desk) -> None:
        self._filler.unlink()


class PageLimit:
    """SQLite's own limit on the file: it fails just as on a full disk, for every user."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "data"

    def fill(self, desk: Desk) -> None:
        database = desk.store._database
        pages = database.row("PRAGMA page_count")
        assert pages is not None
        database.rows(f"PRAGMA max_page_count = {pages['page_count']}")

    def free(self, desk: Desk) -> None:
        desk.store._database.rows("PRAGMA max_page_count = 1000000")


@pytest.fixture(params=["tmpfs", "page_limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, fill: Fill) -> TmpfsDisk | PageLimit:
    if request.param == "page_limit":
        return PageLimit(tmp_path)
    return TmpfsDisk(request.getfixturevalue("small_disk"), fill)


def waiting(desk: Desk, name: str = "王女士", draft: str = "") -> str:
    message = desk.store.conversations.receive(name, "壶坏了")
    if draft:
        desk.store.drafts.save(message.conversation, message.id, Draft("drafted", draft))
    return message.conversation


def with_undo(desk: Desk, seconds: float) -> None:
    desk.session.set_settings(replace(desk.settings, undo_seconds=seconds))


def test_a_decision_that_found_no_room_is_said_to_be_not_kept_and_the_same_click_works_later(
    qtbot: QtBot, fault_desk: Open, told: Any, disk: TmpfsDisk | PageLimit
) -> None:
    desk = fault_desk(disk.root)
    heard = told(desk)
    conversation = waiting(desk, draft="亲，可以上门。")
    opened(qtbot, desk, conversation)
    disk.fill(desk)

    desk.page.composer.set_text(LONG)
    desk.session.composing.set_text(LONG)
    qtbot.waitUntil(lambda: "typed_waiting" in heard.codes())
    assert "磁盘已满" in heard.words("typed_waiting")
    assert "文字还在输入框里" in heard.words("typed_waiting")
    desk.session.send(LONG)
    qtbot.waitUntil(lambda: "store_full" in heard.codes())
    assert "磁盘已满" in heard.words("store_full")
    assert "这一步没有保存" in heard.words("store_full")
    assert "腾出空间" in heard.words("store_full")
    # Nothing half written, nothing on its way, every word still there.
    assert desk.store.check() == []
    assert desk.store.decisions.of(conversation) == []
    assert desk.store.outbox.pending() == []
    assert [one.role for one in desk.store.conversations.messages(conversation)] == ["customer"]
    assert desk.page.composer.text() == desk.session.composing.text == LONG

    disk.free(desk)
    qtbot.waitUntil(lambda: desk.store.composers.get(conversation) == LONG)
    with qtbot.waitSignal(desk.session.decided):
        desk.session.send(LONG)
    assert desk.store.decisions.of(conversation)[0].text == LONG
    assert desk.store.composers.get(conversation) == ""
    assert desk.store.check() == []


def test_messages_that_find_no_room_wait_with_their_channel_and_come_in_by_themselves(
    qtbot: QtBot, fault_desk: Open, told: Any, disk: TmpfsDisk | PageLimit
) -> None:
    desk = fault_desk(disk.root)
    heard = told(desk)
    waiting(desk)
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 1)
    disk.fill(desk)
    texts = (LONG + "一", LONG + "二")
    scene = Scene("one", "李先生", tuple(Opening(one) for one in texts))
    desk.intake.add_channel(ReplayChannel([scene], desk._clock))
    qtbot.waitUntil(lambda: "messages_waiting" in heard.codes())
    assert "没有丢" in heard.words("messages_waiting")
    assert "磁盘已满" in heard.words("messages_waiting")
    assert desk.store.conversations.counts().all == 1
    disk.free(desk)
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 2)
    (row,) = desk.store.conversations.page(search="李先生")
    qtbot.waitUntil(
        lambda: [one.text for one in desk.store.conversations.messages(row.id)] == list(texts)
    )
    # It is told once, not at every look.
    assert heard.codes().count("messages_waiting") == 1


def test_what_a_crash_left_unscreened_is_screened_once_there_is_room_for_it(
    qtbot: QtBot, fault_desk: Open, told: Any, small_disk: Path, fill: Fill
) -> None:
    root = small_disk / "data"
    with open_store(DataFolder(root).database) as store:
        store.conversations.receive("王女士", "律师函在路上了")
        unscreened = store.conversations.unscreened()
    full: list[Path] = []
    catch_up = reception.catch_up

    def when_full(store: Any, gate: Any, language: Any = "zh") -> Any:
        if not full:
            # The disk fills up between the start and the first look.
            full.append(fill(small_disk))
            with contextlib.suppress(StoreError):
                for _ in range(2000):
                    store.conversations.receive("李先生", LONG)
        return catch_up(store, gate, language)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reception, "catch_up", when_full)
        desk = fault_desk(root)
        heard = told(desk)
        qtbot.waitUntil(lambda: "messages_waiting" in heard.codes())
        assert desk.store.handovers.all_open() == []
        full[0].unlink()
        qtbot.waitUntil(lambda: len(desk.store.handovers.all_open()) == 1)
    assert unscreened[0].id not in {one.id for one in desk.store.conversations.unscreened()}


def test_a_log_that_grew_is_cut_down_again(tmp_path: Path) -> None:
    path = tmp_path / "zuoxi.db"
    log = tmp_path / "zuoxi.db-wal"
    with open_store(path) as store:
        here = store.conversations.receive("王女士", "在吗").conversation
        with store.transaction():
            for _ in range(200):
                store.conversations.receive("王女士", LONG * 5, conversation=here)
        assert log.stat().st_size > 20_000_000
        for _ in range(3):
            store.conversations.receive("王女士", "在吗", conversation=here)
        assert log.stat().st_size < 10_000_000


def test_a_reply_that_cannot_leave_stays_and_leaves_once_and_one_taken_back_never_leaves(
    qtbot: QtBot, fault_desk: Open, told: Any, small_disk: Path, fill: Fill
) -> None:
    desk = fault_desk(small_disk / "data")
    heard = told(desk)
    leaving, recalled = waiting(desk, draft="亲，好的。"), waiting(desk, "李先生", draft="在的。")
    left: list[str] = []
    desk.outgoing.sent.connect(lambda message: left.append(message.conversation))
    with_undo(desk, 1.5)
    decisions = []
    for conversation in (leaving, recalled):
        opened(qtbot, desk, conversation)
        with qtbot.waitSignal(desk.session.decided) as caught:
            desk.session.accept()
        decisions.append(caught.args[0])
    # Whatever room the log had left is used up, too.
    filler = fill(small_disk)
    store = desk.store
    with pytest.raises(StoreError):
        for _ in range(2000):
            store.conversations.receive("李先生", LONG)
    desk.session.undo(decisions[1].id)
    qtbot.waitUntil(lambda: {"replies_waiting", "undo_waiting"} <= set(heard.codes()))
    assert "自动发出，不会重复发送" in heard.words("replies_waiting")
    assert "这条回复不会发出" in heard.words("undo_waiting")
    assert left == []
    assert len(store.outbox.pending()) == 2
    filler.unlink()
    undone: list[bool] = []
    desk.outgoing.undone.connect(lambda _, worked: undone.append(worked))
    qtbot.waitUntil(lambda: left == [leaving] and undone == [True])
    qtbot.wait(300)
    assert left == [leaving]
    assert store.decisions.get(decisions[1].id).undone
    assert store.check() == []


def test_a_channel_without_room_takes_nothing_and_takes_it_later_once(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    full = tmp_path / "full.jsonl"
    full.symlink_to("/dev/full")
    message = Taken("key", "one", "您好", 1.0)
    taken = TakenFile.__new__(TakenFile)
    taken._path, taken._end, taken._taken = full, 0, {}
    with pytest.raises(StoreError) as caught:
        taken.take(message)
    assert caught.value.code == "channel_file"
    assert "写不进去" in explain(caught.value, "zh")
    assert message.key not in taken
    full.unlink()
    assert taken.take(message)
    assert not taken.take(message)
    assert TakenFile(full).all() == [message]


def test_half_a_line_on_a_full_disk_is_taken_off_again(small_disk: Path, fill: Fill) -> None:
    path = small_disk / "taken.jsonl"
    taken = TakenFile(path)
    assert taken.take(Taken("first", "one", "您好", 1.0))
    before = path.read_bytes()
    filler = fill(small_disk)
    with pytest.raises(StoreError):
        taken.take(Taken("second", "one", LONG, 2.0))
    assert path.read_bytes() == before
    filler.unlink()
    assert taken.take(Taken("second", "one", LONG, 2.0))
    assert [one.key for one in TakenFile(path).all()] == ["first", "second"]


def test_settings_that_find_no_room_leave_the_former_ones(small_disk: Path, fill: Fill) -> None:
    folder = DataFolder(small_disk)
    settings_file.save(folder, Settings(agent="小满"))
    fill(small_disk)
    with pytest.raises(InputError) as caught:
        settings_file.save(folder, Settings(agent="小满" * 5000))
    assert explain(caught.value, "zh")
    assert settings_file.load(folder).agent == "小满"


def test_a_desk_does_not_open_where_there_is_no_room_and_says_why(
    qtbot: QtBot, fault_desk: Open, small_disk: Path, fill: Fill
) -> None:
    root = small_disk / "data"
    with open_store(DataFolder(root).database) as store:
        store.conversations.receive("王女士", "在吗")
    filler = fill(small_disk)
    with pytest.raises(ZuoxiError) as caught:
        fault_desk(root)
    words = explain(caught.value, "zh")
    assert "磁盘已满" in words
    assert "都在" in words
    filler.unlink()
    desk = fault_desk(root)
    qtbot.waitUntil(lambda: len(desk.queue.rows()) == 1)


def test_an_import_without_room_keeps_the_knowledge_that_was_there(
    small_disk: Path, fill: Fill, tmp_path: Path
) -> None:
    from engine.knowledge import catalogue
    from engine.knowledge.embedding import HashedEmbedder
    from engine.knowledge.job import ImportJob

    documents, embedder = tmp_path / "documents", tmp_path / "embedder"
    documents.mkdir()
    embedder.mkdir()
    HashedEmbedder().save(embedder)
    (documents / "a.md").write_text("# 发票\n\n发票抬头写错了可以重开。\n", "utf-8")
    folder = DataFolder(small_disk / "data")
    first = ImportJob(folder.knowledge, [documents], embedder)
    first.start()
    assert first.result().total_documents == 1
    before = catalogue.current(folder.knowledge)
    (documents / "b.md").write_text("# 上门\n\n保修期内可以上门检修。\n" * 500, "utf-8")
    filler = fill(small_disk)
    second = ImportJob(folder.knowledge, [documents], embedder)
    second.start()
    with pytest.raises(ZuoxiError) as caught:
        second.result()
    assert "磁盘" in explain(caught.value, "zh")
    assert catalogue.current(folder.knowledge) == before
    filler.unlink()
    third = ImportJob(folder.knowledge, [documents], embedder)
    third.start()
    assert third.result().total_documents == 2
