"""Every command of the window as data: shortcuts, the F1 page and the docs derive from it.

An action's words are the texts ``desktop.action.<id>`` (its name) and ``desktop.action.<id>.help``
(one sentence); nothing else needs to know them.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from engine import texts
from engine.records import Language, RejectReason

Where = Literal["window", "draft", "composer", "case", "knowledge", "review", "workshop"]

WHERE: Final[tuple[Where, ...]] = (
    "draft",
    "composer",
    "case",
    "window",
    "knowledge",
    "review",
    "workshop",
)

# The digit that follows the reject key, and the order of the list.
REJECT_REASONS: Final[tuple[RejectReason, ...]] = (
    "wrong_fact",
    "wrong_evidence",
    "incomplete",
    "tone",
    "misunderstood",
    "length",
    "red_line",
    "other",
)


class ActionSpec(Struct, frozen=True):
    """One command. `keys` is portable (``Ctrl+Return``); further keys do the same.

    `where` says what it acts on. `by_widget` means that the widget itself listens for the key, so
    no QAction gets it.
    """

    id: str
    keys: tuple[str, ...]
    where: Where
    by_widget: bool = False

    def name(self, language: Language) -> str:
        """What the command is called."""
        return texts.text(f"desktop.action.{self.id}", language)

    def help(self, language: Language) -> str:
        """What it does, in one sentence."""
        return texts.text(f"desktop.action.{self.id}.help", language)


ACTIONS: Final[tuple[ActionSpec, ...]] = (
    ActionSpec("accept", ("Ctrl+Return", "Ctrl+Enter"), "draft"),
    ActionSpec("edit", ("Ctrl+E",), "draft"),
    ActionSpec("reject", ("Ctrl+Backspace",), "draft"),
    ActionSpec("redraft", ("Ctrl+R",), "draft"),
    ActionSpec("thumbs_down", ("Ctrl+D",), "draft"),
    ActionSpec("hand_over", ("Ctrl+H",), "draft"),
    ActionSpec("undo_send", ("Ctrl+Z",), "window"),
    ActionSpec("insert_script", ("Ctrl+J",), "case"),
    ActionSpec("override", ("Ctrl+Shift+Return",), "composer"),
    ActionSpec("appeal", ("Ctrl+Shift+F",), "composer", by_widget=True),
    ActionSpec("send", ("Ctrl+Return",), "composer", by_widget=True),
    ActionSpec("new_line", ("Shift+Return",), "composer", by_widget=True),
    ActionSpec("focus_composer", ("Ctrl+L",), "window"),
    ActionSpec("previous", ("Alt+Up",), "window"),
    ActionSpec("next", ("Alt+Down",), "window"),
    ActionSpec("search", ("Ctrl+F",), "window"),
    ActionSpec("go_desk", ("Ctrl+1",), "window"),
    ActionSpec("go_knowledge", ("Ctrl+2",), "window"),
    ActionSpec("go_review", ("Ctrl+3",), "window"),
    ActionSpec("go_workshop", ("Ctrl+4",), "window"),
    ActionSpec("go_settings", ("Ctrl+,",), "window"),
    ActionSpec("toggle_theme", ("Ctrl+Shift+L",), "window"),
    ActionSpec("keys", ("F1",), "window"),
    ActionSpec("quit", ("Ctrl+Q",), "window"),
    ActionSpec("knowledge_import", ("Ctrl+O",), "knowledge", by_widget=True),
    ActionSpec("knowledge_import_folder", ("Ctrl+Shift+O",), "knowledge", by_widget=True),
    ActionSpec("knowledge_search", ("Ctrl+G",), "knowledge", by_widget=True),
    ActionSpec("knowledge_retire", ("Delete",), "knowledge", by_widget=True),
    ActionSpec("knowledge_section", ("Ctrl+Tab",), "knowledge", by_widget=True),
    ActionSpec("review_right", ("R",), "review", by_widget=True),
    ActionSpec("review_false_alarm", ("F",), "review", by_widget=True),
    ActionSpec("review_missed", ("M",), "review", by_widget=True),
    ActionSpec("review_undo", ("Ctrl+Z",), "review", by_widget=True),
    ActionSpec("workshop_new", ("Ctrl+N",), "workshop", by_widget=True),
    ActionSpec("workshop_search", ("Ctrl+G",), "workshop", by_widget=True),
    ActionSpec("workshop_view", ("Ctrl+Shift+E",), "workshop", by_widget=True),
    ActionSpec("workshop_try", ("Ctrl+T",), "workshop", by_widget=True),
    ActionSpec("workshop_replay", ("Ctrl+Shift+R",), "workshop", by_widget=True),
    ActionSpec("workshop_step", ("Ctrl+Shift+P",), "workshop", by_widget=True),
    ActionSpec("workshop_history", ("Ctrl+Shift+H",), "workshop", by_widget=True),
)

_BY_ID: Final = {action.id: action for action in ACTIONS}


def spec(action_id: str) -> ActionSpec:
    """The action of that id; raises `KeyError`."""
    return _BY_ID[action_id]


def keys_text(action_id: str, language: Language = "zh") -> str:
    """The default shortcut as people read it: ``Ctrl+Enter``, ``Alt+↑``."""
    keys = spec(action_id).keys
    return readable(keys[0], language) if keys else ""


def readable(portable: str, language: Language = "zh") -> str:
    """A portable key sequence in words that stand on a keyboard."""
    names = {"Return": "Enter", "Up": "↑", "Down": "↓", "Left": "←", "Right": "→"}
    names["Backspace"] = "退格" if language == "zh" else "Backspace"
    if portable.endswith("++"):
        return portable
    return "+".join(names.get(part, part) for part in portable.split("+"))


def combinations(where: Where | None = None) -> frozenset[int]:
    """The combined keys of all actions (of one place) that a QAction listens for."""
    return frozenset(
        QKeySequence(keys)[0].toCombined()  # type: ignore[index]
        for action in ACTIONS
        if not action.by_widget and where in (None, action.where)
        for keys in action.keys
    )


def of_the_draft() -> frozenset[int]:
    """The keys that act on the desk's draft: pages that do not show it let them do nothing."""
    hidden: tuple[Where, ...] = ("draft", "composer", "case")
    return frozenset().union(*map(combinations, hidden))


def make(action_id: str, parent: QWidget, language: Language) -> QAction:
    """A QAction with the name, help and shortcuts of `action_id`; the caller connects it."""
    action = spec(action_id)
    made = QAction(parent)
    made.setObjectName(f"action_{action_id}")
    if not action.by_widget:
        made.setShortcuts([QKeySequence(keys) for keys in action.keys])
    made.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
    made.setAutoRepeat(action_id in ("previous", "next"))
    retranslate(made, language)
    return made


def retranslate(made: QAction, language: Language) -> None:
    """Give a QAction from `make` its words in `language`."""
    action = spec(made.objectName().removeprefix("action_"))
    made.setText(action.name(language))
    made.setStatusTip(action.help(language))
    made.setToolTip(f"{action.name(language)}  {keys_text(action.id, language)}".rstrip())


def in_place(where: Where) -> tuple[ActionSpec, ...]:
    """The actions of one place, in order."""
    return tuple(action for action in ACTIONS if action.where == where)


def markdown(language: Language) -> str:
    """All keys as Markdown tables, for the documentation."""
    head = ("键", "做什么") if language == "zh" else ("Keys", "What it does")
    lines: list[str] = []
    for where in WHERE:
        lines += [f"### {texts.text(f'desktop.where.{where}', language)}", ""]
        lines += [f"| {head[0]} | {head[1]} |", "| --- | --- |"]
        for action in in_place(where):
            names = dict.fromkeys(readable(one, language) for one in action.keys)
            keys = " / ".join(f"`{one}`" for one in names)
            lines.append(f"| {keys} | {action.name(language)}: {action.help(language)} |")
        lines.append("")
    return "\n".join(lines)
