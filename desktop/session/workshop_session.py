"""What a lead does in the rule workshop; rules are read, checked and kept off the UI thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background, Lane
from desktop.session.workshop_replaying import Replaying
from desktop.session.workshop_source import Edit, Key, Listing, WorkshopSource, Written
from desktop.widgets.workshop_values import (
    Checked,
    Opened,
    RuleForm,
    RuleRow,
    Standing,
    Tried,
)
from engine.errors import InputError, ZuoxiError
from engine.records import Language, Side

T = TypeVar("T")

# A step comes after what was typed before it; and a check may take longer than the store can wait.
_LANE: Final[Lane] = "rules"
SETTLE_MS: Final = 250
"""How long nobody types before a text is checked and kept."""


class WorkshopSession(QObject):
    """Everything it tells comes on the UI thread.

    `listed` brings all rows, `standing` a `Standing`, `opened` and `checked` the rule that is
    edited and what came of its newest text (with whether it was changed by form), `refreshed` the
    same rule in another state, `tried` a `Tried`, `versions` and `diffs` the history, `told` a text
    key with its values, `busy` the key of the step being taken, `trouble` an error. `published`
    comes when other rules may be in force.
    """

    listed = Signal(object)
    standing = Signal(object)
    opened = Signal(object)
    checked = Signal(object, bool)
    refreshed = Signal(object)
    tried = Signal(object)
    versions = Signal(object, int)
    diffs = Signal(object)
    told = Signal(str, object)
    busy = Signal(str)
    trouble = Signal(object)
    published = Signal()
    waiting_changed = Signal(int)

    def __init__(
        self,
        background: Background,
        source: WorkshopSource,
        who: Callable[[], str],
        language: Callable[[], Language],
        parent: QObject | None = None,
    ) -> None:
        """`who` tells the lead's name, "" while there is none; `language` is the window's."""
        super().__init__(parent)
        self._background, self._source = background, source
        self._who, self._language = who, language
        self._rows: dict[Key, RuleRow] = {}
        self._standing = Standing()
        self._key: Key | None = None
        self._shown: Opened | None = None
        self._form: RuleForm | None = None
        self._edit: Edit | None = None
        self._asked = self._looked = 0
        self._edited_at = 0.0
        self._trying: tuple[str, Side] | None = None
        self._settling = self._timer(self._keep)
        self._pausing = self._timer(self._try)
        self._thinking = self._timer(self._find_problems, 3 * SETTLE_MS)
        self.replaying = Replaying(background, lambda: source.replay(language()), language, self)

    def _timer(self, act: Callable[[], None], wait: int = SETTLE_MS) -> QTimer:
        made = QTimer(self)
        made.setSingleShot(True)
        made.setInterval(wait)
        made.timeout.connect(act)
        return made

    @property
    def key(self) -> Key | None:
        """The rule that is edited."""
        return self._key

    @property
    def now(self) -> Standing:
        """How the rules stand."""
        return self._standing

    def refresh(self) -> None:
        """Read everything again; the rule that is edited stays open."""
        self._looked += 1
        asked, who, language = self._looked, self._who(), self._language()

        def done(found: Listing) -> None:
            if asked == self._looked:
                self._show(found)

        self._long(lambda: self._source.listing(who, language), done)

    def open(self, key: Key | None) -> None:
        """Edit a rule; what was typed into the former one is kept first."""
        self._keep()
        self._key, self._edit = key, None
        self._asked += 1
        asked, language = self._asked, self._language()
        if key is None:
            self._shown = None
            self.opened.emit(None)
            return

        def done(found: tuple[Opened, Checked]) -> None:
            if asked == self._asked:
                self._shown = replace(found[0], row=self._with_figures(found[0].row))
                self._form = found[1].form
                self.opened.emit(self._shown)
                # In a turn of its own: the form's fields take as long as the text.
                QTimer.singleShot(0, self, lambda: self._tell_checked(asked, found[1]))

        self._do(lambda: self._source.open(key, language), done)

    def edit_text(self, text: str) -> None:
        """The rule's text was changed."""
        self._edit = Edit(text)
        self._settling.start()

    def edit_form(self, form: RuleForm) -> None:
        """The rule's form was changed."""
        edit = self._edit or Edit()
        if self._form is not None:
            self._edit = replace(edit, before=self._form, form=form)
            self._settling.start()

    def edit_examples(self, kind: str, examples: tuple[str, ...]) -> None:
        """The rule's examples of a kind (`hit` or `miss`) were changed."""
        edit = self._edit or Edit()
        kept = tuple(one for one in edit.examples if one[0] != kind)
        self._edit = replace(edit, examples=(*kept, (kind, examples)))
        self._settling.start()

    def flush(self) -> None:
        """Keep now what was typed."""
        self._keep()

    def add(self) -> None:
        """Begin a new rule."""
        who = self._who()

        def done(key: Key) -> None:
            self.open(key)
            self._changed("added")

        self._do(lambda: self._source.add(who), done)

    def switch_off(self) -> None:
        """Take the rule that is edited out of the draft."""
        self._turn("off", self._source.switch_off)

    def restore(self) -> None:
        """Have the rule that is edited as it ships; an added one goes."""
        self._turn("restored", self._source.restore)

    def try_text(self, text: str, side: Side) -> None:
        """Screen a text by both sets, once nobody types any more."""
        self._trying = (text, side)
        self._pausing.start()

    def step(self, name: str, number: int, comment: str) -> None:
        """Take a step with a version; 0 where it is about what is edited."""
        self._keep()
        who = self._who()

        def done(_: object) -> None:
            self.busy.emit("")
            all_of_it = name == "roll_back" and not number
            self.told.emit(f"workshop.told.{name}{'_all' if all_of_it else ''}", {"n": number})
            self.published.emit()
            self.replaying.forget()
            self.refresh()
            self.open(self._key)

        def failed(error: ZuoxiError) -> None:
            self.busy.emit("")
            self.trouble.emit(error)
            self.refresh()

        self.busy.emit(f"workshop.doing.{name}")
        self._background.run(
            self, lambda: self._source.step(name, number, who, comment), _LANE
        ).done(done).failed(failed)

    def replay(self) -> None:
        """Run the changed rules over everything stored."""
        self._keep()
        self.replaying.start({one.id: one.name for one in self._rows.values()})

    def read_versions(self) -> None:
        """Read the history."""
        self._do(self._source.versions, lambda found: self.versions.emit(*found))

    def compare(self, former: int, changed: int) -> None:
        """Find out what lies between two versions."""
        language = self._language()
        self._do(lambda: self._source.diff(former, changed, language), self.diffs.emit)

    def _show(self, found: Listing) -> None:
        self._rows = {one.key: one for one in found.rows}
        former = self._standing
        self._standing = replace(found.standing, problems=former.problems, problem=former.problem)
        self.listed.emit(found.rows)
        self._tell_standing()
        if found.edited_at != self._edited_at:
            self._edited_at = found.edited_at
            self._thinking.start()
        if self._key is not None and self._key not in self._rows:
            self.open(None)
        elif self._shown is not None and self._key is not None:
            self._shown = replace(self._shown, row=self._rows[self._key])
            self.refreshed.emit(self._shown)

    def _tell_standing(self) -> None:
        self.standing.emit(self._standing)
        trial = self._standing.trial
        waits = trial is not None and trial.state == "asked" and not self._standing.own
        self.waiting_changed.emit(int(waits))

    def _keep(self) -> None:
        """Write what was typed, and show what came of it unless more was typed meanwhile."""
        self._settling.stop()
        edit, key = self._edit, self._key
        if edit is None or key is None:
            return
        self._edit = None
        by_form = edit.form is not None or bool(edit.examples)
        who, language, asked = self._who(), self._language(), self._asked
        if by_form:
            # Until the text is written, further fields start from what stands in the form now.
            self._form = edit.form or self._form

        def done(written: Written) -> None:
            if asked == self._asked and key == self._key:
                if self._edit is None:
                    self._form = written.checked.form
                    self.checked.emit(written.checked, by_form)
                if self._shown is not None:
                    self._shown = replace(self._shown, row=self._with_figures(written.row))
                    self.refreshed.emit(self._shown)
            self._changed("")

        def failed(error: ZuoxiError) -> None:
            if self._edit is None and asked == self._asked:
                self._edit, self._form = edit, edit.before or self._form
            self.trouble.emit(error)

        self._do(lambda: self._source.write(key, edit, who, language), done, failed)

    def _tell_checked(self, asked: int, checked: Checked) -> None:
        if asked == self._asked:
            self.checked.emit(checked, False)

    def _changed(self, told: str) -> None:
        if told:
            self.told.emit(f"workshop.told.{told}", {})
        self.replaying.outdate()
        self.refresh()
        if self._trying is not None and self._trying[0].strip():
            self._pausing.start()

    def _turn(self, told: str, act: Callable[[Key, str], None]) -> None:
        key, who = self._key, self._who()
        if key is None:
            return
        self._settling.stop()
        self._edit = None

        def done(_: object) -> None:
            self.open(key if told == "off" or key in self._rows else None)
            self._changed(told)

        self._do(lambda: act(key, who), done)

    def _try(self) -> None:
        if self._trying is None:
            return
        (text, side), language = self._trying, self._language()
        if not text.strip():
            self.tried.emit(Tried(""))
            return

        def done(found: Tried) -> None:
            if self._trying == (text, side):
                self.tried.emit(found)

        self._long(lambda: self._source.try_text(text, side, language), done)

    def _find_problems(self) -> None:
        language, asked = self._language(), self._edited_at

        def done(found: tuple[str, ...]) -> None:
            if asked == self._edited_at:
                self._standing = replace(
                    self._standing, problems=len(found), problem=found[0] if found else ""
                )
                self._tell_standing()

        if self._standing.changes:
            self._long(lambda: self._source.problems(language), done)
        else:
            done(())

    def _with_figures(self, row: RuleRow) -> RuleRow:
        known = self._rows.get(row.key)
        if known is None:
            return row
        return replace(row, right=known.right, judged=known.judged, missed=known.missed)

    def _do(
        self,
        act: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[ZuoxiError], None] | None = None,
    ) -> None:
        def refused(error: ZuoxiError) -> None:
            if isinstance(error, InputError) and error.code == "no_rule":
                self.refresh()  # Somebody else took it away.
            self.trouble.emit(error)

        self._background.run(self, act, _LANE).done(done).failed(failed or refused)

    def _long(self, act: Callable[[], T], done: Callable[[T], None]) -> None:
        self._background.run(self, act, "long").done(done).failed(self.trouble.emit)
