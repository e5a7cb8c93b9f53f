"""The rule workshop: a rule is changed, tried, replayed, put on trial, and published by two."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QWidget

from desktop import actions
from desktop.in_turns import InTurns
from desktop.pages.workshop_columns import WorkshopColumns
from desktop.session.workshop_session import WorkshopSession
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.boxes import column
from desktop.widgets.plain_text import one_line
from desktop.widgets.toast import Toast
from desktop.widgets.workshop_history import HistoryDialog
from desktop.widgets.workshop_steps import StepDialog
from desktop.widgets.workshop_values import (
    Checked,
    Opened,
    ReplayRow,
    RuleRow,
    Standing,
    VersionRow,
)

_COLUMNS: Final = "workshop/columns"
_ELSEWHERE: Final = actions.of_the_draft()


class WorkshopPage(Dressed, QWidget):
    """`trouble` brings an error for the banner, `waiting_changed` how many versions wait for a
    second lead, `published` that other rules may be in force.

    What is in it is made piece by piece after it is shown; until then it is empty and deaf.
    """

    trouble = Signal(object)
    waiting_changed = Signal(int)
    published = Signal()

    def __init__(
        self,
        look: Look,
        session: WorkshopSession,
        memory: QSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`memory` keeps the columns over a restart."""
        super().__init__()
        self._look, self._session, self._memory, self._clock = look, session, memory, clock
        self._built = False
        self._history: HistoryDialog | None = None
        self._columns = WorkshopColumns(look, clock)
        column(self, 0).addWidget(self._columns)
        self._turns = InTurns(self)
        self._turns.done.connect(self._on_built)
        self._turns.start(self._columns.build())

    def _on_built(self) -> None:
        parts = self._columns
        self.bar, self.rules, self.rule = parts.bar, parts.rules, parts.rule
        self.trying, self.replay = parts.trying, parts.replay
        self.toast = Toast(self._look, self)
        self._built = True
        columns = self._memory.value(_COLUMNS)
        if isinstance(columns, QByteArray):
            parts.restore(columns)
        self._wire()
        if self.isVisible():
            self.begin()

    def begin(self) -> None:
        """Read what there is, and be ready for keys."""
        self._session.refresh()
        self.rules.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def refresh(self) -> None:
        """Other rules may be in force: read how it stands, if somebody looks."""
        if self._built and self.isVisible():
            self._session.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Whoever comes to the page sees how it stands now."""
        super().showEvent(event)
        if self._built and not event.spontaneous():
            self.begin()

    def hideEvent(self, event: QHideEvent) -> None:
        """What was typed is kept."""
        super().hideEvent(event)
        if self._built:
            self._session.flush()

    def event(self, event: QEvent) -> bool:
        """Keys for the draft on the desk are nothing here."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.keyCombination().toCombined() in _ELSEWHERE
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back to the list."""
        if self._built and event.key() == Qt.Key.Key_Escape:
            self.rules.list.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        super().keyPressEvent(event)

    def take_step(self, name: str, number: int | None = None) -> StepDialog:
        """Ask for a word, then take a step."""
        now = self.bar.standing()
        about = number if number is not None else now.trial.number if now.trial else 0
        dialog = StepDialog(
            self._look,
            name if about or name != "roll_back" else "roll_back_all",
            self._history if self._history is not None and number is not None else self,
            n=about,
            changes=now.changes,
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.confirmed.connect(lambda words: self._session.step(name, about, words))
        dialog.open()
        return dialog

    def open_history(self) -> HistoryDialog:
        """Show all versions."""
        if self._history is None:
            made = HistoryDialog(self._look, self._clock, self)
            made.compared.connect(self._session.compare)
            made.back_requested.connect(lambda number: self.take_step("roll_back", number))
            self._history = made
        self._history.set_look(self._look)
        self._history.open()
        self._session.read_versions()
        return self._history

    def _wire(self) -> None:
        session, rule = self._session, self.rule
        self._columns.moved.connect(lambda: self._memory.setValue(_COLUMNS, self._columns.state()))
        self.rules.chosen.connect(lambda one: session.open(one.key))
        self.rules.add_requested.connect(session.add)
        self.rules.list.opened.connect(lambda _: rule.focus_first())
        rule.add_requested.connect(session.add)
        rule.text_edited.connect(session.edit_text)
        rule.form_edited.connect(session.edit_form)
        rule.examples_edited.connect(session.edit_examples)
        rule.switch_requested.connect(session.switch_off)
        rule.restore_requested.connect(session.restore)
        self.trying.tried.connect(session.try_text)
        self.replay.start_requested.connect(session.replay)
        self.replay.cancel_requested.connect(session.replaying.cancel)
        self.replay.opened.connect(self._on_replayed)
        self.bar.step_requested.connect(self.take_step)
        self.bar.history_requested.connect(self.open_history)
        session.listed.connect(self._on_listed)
        session.standing.connect(self._on_standing)
        session.opened.connect(self._on_opened)
        session.refreshed.connect(rule.refresh_rule)
        session.checked.connect(self._on_checked)
        session.tried.connect(self.trying.show_tried)
        session.versions.connect(self._on_versions)
        session.diffs.connect(self._on_diffs)
        session.told.connect(self._on_told)
        session.busy.connect(self.bar.set_busy)
        session.trouble.connect(self.trouble)
        session.published.connect(self.published)
        session.waiting_changed.connect(self.waiting_changed)
        session.replaying.changed.connect(self._on_replay)
        session.replaying.found.connect(self.replay.add)
        for name, act in (
            ("workshop_new", session.add),
            ("workshop_search", self._to_search),
            ("workshop_view", self._turn_view),
            ("workshop_try", self._to_try),
            ("workshop_replay", session.replay),
            ("workshop_step", self._next_step),
            ("workshop_history", self.open_history),
        ):
            for keys in actions.spec(name).keys:
                key = QShortcut(QKeySequence(keys), self)
                key.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                key.activated.connect(act)

    def _to_search(self) -> None:
        self.rules.search.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _to_try(self) -> None:
        self.trying.editor.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _turn_view(self) -> None:
        self.rule.set_view("text" if self.rule.view() == "form" else "form")
        self.rule.focus_first()

    def _next_step(self) -> None:
        name = self.bar.main_step()
        if name:
            self.take_step(name)

    def _on_listed(self, rows: tuple[RuleRow, ...]) -> None:
        self.rule.form.set_categories(sorted({one.category for one in rows if one.category}))
        self.rules.set_rows(rows)

    def _on_standing(self, standing: Standing) -> None:
        self.bar.set_standing(standing)
        look, why = self._look, ""
        if standing.changes and standing.problems:
            first = one_line(standing.problem)
            why = look.text("workshop.why.problems", n=standing.problems, first=first)
        elif not standing.changes and standing.trial is None:
            why = look.text("workshop.why.nothing")
        self.replay.block(why)

    def _on_opened(self, opened: Opened | None) -> None:
        self.rules.set_current(opened.row.key if opened is not None else None)
        self.rule.show_rule(opened)

    def _on_checked(self, checked: Checked, by_form: bool) -> None:
        self.rule.show_checked(checked, by_form=by_form)

    def _on_replay(self, view: object) -> None:
        if (
            self._session.replaying.view.phase == "running"
            and not self._session.replaying.view.done
        ):
            self.replay.begin()
        self.replay.show_view(self._session.replaying.view)

    def _on_replayed(self, shown: ReplayRow) -> None:
        """The text is tried, and the rule that found it is opened."""
        self.trying.put(shown.text, shown.hit.side)
        self._session.open(("rule", shown.hit.rule))

    def _on_versions(self, versions: Sequence[VersionRow], in_force: int) -> None:
        if self._history is not None:
            self._history.show_versions(versions, in_force, self.bar.standing().who)

    def _on_diffs(self, shown: Sequence[object]) -> None:
        if self._history is not None:
            self._history.show_diffs(shown)  # type: ignore[arg-type]

    def _on_told(self, key: str, values: Mapping[str, int]) -> None:
        self.toast.say(key, undoable=False, **values)
        if self._history is not None and self._history.isVisible():
            self._session.read_versions()
