"""Hostile text goes through everything real: reception, store, red lines, search, drafting, window.

Each step must end, keep what came, and show it as text. Nothing here is timed: where work could
grow faster than the text, what is counted is work.
"""

from __future__ import annotations

import ast
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

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
from engine import deciding
from engine.channels.replay import Opening, Scene, read_script
from engine.drafting.generation import Generator
from engine.drafting.llama import load_generator
from engine.drafting.pipeline import Drafter
from engine.drafting.scripted import ScriptedGenerator
from engine.drafting.style import load_style
from engine.errors import InputError
from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.index import import_documents
from engine.knowledge.search import Searcher
from engine.paths import RULES, STYLES, DataFolder
from engine.protocol import DraftFinished, DraftRequest, decode_event, encode
from engine.reception import receive
from engine.records import Draft, Turn
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.settings import Settings
from engine.settings import save as save_settings
from engine.store.store import Store, open_store
from engine.texts import explain

STEP_MS = 20_000


@pytest.fixture(scope="session")
def gate() -> Gate:
    return Gate(load_rules(RULES))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store" / "zuoxi.db") as opened:
        yield opened


@pytest.fixture(scope="session")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """Knowledge whose own documents are hostile, too."""
    folder = tmp_path_factory.mktemp("hostile")
    documents = folder / "documents"
    documents.mkdir()
    plain = "---\ntitle: 保修\n---\n## 上门检修\n保修期内电水壶坏了可以免费上门检修。\n"
    (documents / "保修.md").write_text(plain, "utf-8")
    for number, (name, words) in enumerate(HOSTILE.items()):
        body = words.encode("utf-8", "replace").decode()
        (documents / f"{number}.md").write_text(f"# {name}\n\n壶坏了 {body[:5_000]}\n", "utf-8")
    (documents / "<b>粗&amp;.md").write_text(f"# {MARKUP}\n\n退款 {FLIPPED} {MARKUP}\n", "utf-8")
    embedder = HashedEmbedder(64)
    import_documents(folder / "knowledge", [documents], embedder)
    return Searcher.open(folder / "knowledge", embedder)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generator]:
    from engine.learning.starter.tiny import write_tiny_gguf

    path = write_tiny_gguf(tmp_path_factory.mktemp("tiny") / "starter.gguf", context=4096)
    made = load_generator(path, context=2048, threads=1)
    yield made
    made.close()


def drafter(searcher: Searcher, generator: Generator, gate: Gate, **more: Any) -> Drafter:
    style = load_style(STYLES / "warm_shop.yaml")
    return Drafter(searcher, generator, gate, style, **more)


def drafted(made: Drafter, *turns: Turn) -> Draft:
    """The draft, after it crossed the pipe."""
    events = [
        decode_event(encode(event))
        for event in made.draft(DraftRequest("r", turns))
        if type(event).__name__ != "Worked"
    ]
    assert isinstance(events[-1], DraftFinished)
    return events[-1].draft


# Reception, store, red lines, search, drafting


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_received_kept_screened_searched_and_answered(
    name: str, store: Store, gate: Gate, searcher: Searcher, tiny: Generator
) -> None:
    words = HOSTILE[name]
    received = receive(store, gate, words[:300], words, label=words[:50], subject=words[:200])
    message = received.message
    kept = words.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert message.text == kept
    row = store.conversations.get(message.conversation)
    assert not UNFIT & set(row.preview) - set("\u202a\u202b\u202c\u202d\u202e\u2066\u2069")
    assert [one.text for one in store.conversations.messages(row.id)] == [kept]
    if name == "a thousand red lines":
        assert received.handover is not None
        hits = store.hits.of(row.id)
        assert max(Counter(hit.hit.rule for hit in hits).values()) <= 200
        assert sum(len(hit.screened) for hit in hits) < 2_000 * len(hits)
    for mode in ("verbatim", "free"):
        draft = drafted(
            drafter(searcher, tiny, gate, mode=mode), *store.conversations.turns(row.id)
        )
        # Random weights may find nothing to say; a person is told so in words.
        assert draft.text or draft.script or draft.reason
        draft.text.encode("utf-8")
    typed = words.strip() or "好"
    try:
        deciding.decide(store, gate, row.id, "edit", text=typed, typed=True)
    except deciding.SendRefused as refused:
        assert explain(refused, "zh")
    assert store.conversations.get(row.id).messages in (1, 2)


def test_a_megabyte_is_kept_whole_and_answered_from_its_own_words(
    store: Store, gate: Gate, searcher: Searcher, tiny: Generator
) -> None:
    words = "壶坏了怎么办？" + "我买的热水壶坏了，" * 111_111
    received = receive(store, gate, "客户", words)
    assert store.conversations.message(received.message.id).text == words
    assert len(store.conversations.get(received.message.conversation).preview) <= 200
    draft = drafted(drafter(searcher, tiny, gate), Turn("customer", words))
    assert draft.status in ("drafted", "abstained")


def test_a_megabyte_of_numbers_is_stored_once(store: Store, gate: Gate, tmp_path: Path) -> None:
    talk = receive(store, gate, "客户", "在吗").message.conversation
    numbers = "13800000000 " * 10_000
    deciding.decide(store, gate, talk, "edit", text=numbers, typed=True)
    hits = store.hits.of(talk)
    assert 0 < len(hits) <= 200 * len({hit.hit.rule for hit in hits})
    assert sum(file.stat().st_size for file in (tmp_path / "store").iterdir()) < 20 << 20
    said = store.conversations.messages(talk)[-1].text
    assert "13800000000" not in said


class Counting:
    """A generator that counts what it is asked to count."""

    def __init__(self) -> None:
        self.inner = ScriptedGenerator(["好的，给您登记了。"])
        self.counted = 0

    def count(self, text: str) -> int:
        self.counted += len(text)
        return self.inner.count(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_ten_thousand_turns_are_no_more_work_for_the_model_than_five_thousand(
    searcher: Searcher, gate: Gate
) -> None:
    def counted(turns: int) -> int:
        generator = Counting()
        talk = [Turn("agent" if at % 2 else "customer", f"第{at}句，壶坏了") for at in range(turns)]
        made = drafter(searcher, generator, gate, mode="free")  # type: ignore[arg-type]
        draft = drafted(made, *talk, Turn("customer", "那壶坏了怎么修？"))
        assert draft.text or draft.reason
        return generator.counted

    assert counted(10_000) < 1.2 * counted(5_000)


# Malformed files


def test_a_malformed_line_of_a_replay_is_named(tmp_path: Path) -> None:
    good = '{"id": "%d", "customer": "客", "opening": [{"text": "在吗"}]}'
    bad = {
        "not JSON": "{'id': 1}",
        "cut": good[:20],
        "a list": "[1, 2]",
        "deep": "[" * 50_000,
        "no text": '{"id": "x", "customer": "y", "opening": []}',
        "too large": '{"id": "x", "customer": "y", "opening": [{"text": "a", "after": 1e99}]}',
        "not UTF-8": b'{"id": "\xff\xfe"}',
        "nul": "\0\0\0",
    }
    for name, line in bad.items():
        raw = line if isinstance(line, bytes) else line.encode()
        path = tmp_path / "replay.jsonl"
        path.write_bytes(b"\n".join([(good % 1).encode(), b"", raw, (good % 2).encode()]))
        with pytest.raises(InputError) as caught:
            read_script(path)
        assert caught.value.values["line"] == 3, name
        told = explain(caught.value, "zh")
        assert "3" in told
        assert "\n" not in told
        assert not UNFIT & set(told)


# The window


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

        qtbot.waitUntil(lambda: bool(new()), timeout=STEP_MS)
        desk.page.open(new()[0])
        qtbot.waitUntil(lambda: desk.session.snapshot is not None, timeout=STEP_MS)
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
        timeout=STEP_MS,
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
    qtbot.waitUntil(lambda: bool(done), timeout=STEP_MS)
    desk.session.refresh()
    bubbles = desk.page.view.message_list()
    qtbot.waitUntil(lambda: bubbles.bubbles()[-1].text == "还在吗", timeout=STEP_MS)
    desk.window.grab()
    assert bubbles.laid_out() < 600


# The source: nothing in the window can show markup unless it is one of these


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
        ("actions.py", "setStatusTip"),
    }
