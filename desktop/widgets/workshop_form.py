"""The form of one rule: what most people change, without a word of YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, get_args

from msgspec.structs import replace
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QBoxLayout, QComboBox, QLineEdit, QScrollArea, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed, restyle
from desktop.widgets.boxes import column, row, scroll_down_only
from desktop.widgets.plain_text import one_line
from desktop.widgets.review_delegate import category_words
from desktop.widgets.setting_fields import Choice, Combo, Stepper
from desktop.widgets.workshop_fields import (
    BothField,
    LinesField,
    Section,
    Tick,
    TickBoxes,
    named,
)
from desktop.widgets.workshop_values import RuleForm
from engine.records import Level, Side
from engine.redline.schema import ACTIONS, CHANNELS, OF_MASKS, RuleAction

_SIDES: Final[tuple[Side, ...]] = get_args(Side)
_LEVELS: Final[tuple[Level, ...]] = get_args(Level)
_ACTIONS: Final[tuple[RuleAction, ...]] = get_args(RuleAction)
_LISTS: Final = (
    "words", "groups", "expressions", "none", "none_before", "none_after", "none_around", "basis",
)  # fmt: skip
_LONG: Final = ("why", "advice", "script", "rewrite")


class WorkshopForm(Dressed, QScrollArea):
    """`edited` brings the `RuleForm` as it stands; what is shown is not overwritten by itself."""

    edited = Signal(object)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._form = RuleForm()
        self._categories: tuple[str, ...] = ()
        self._filling = False
        scroll_down_only(self)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._built = False

    def build(self) -> Iterator[None]:
        """Make the fields, some at each step; before the last one it can show no rule."""
        look = self._look
        body = QWidget()
        restyle(body, kind="transparent")
        inside = column(body, theme.S4)
        inside.setContentsMargins(theme.S4, theme.S3, theme.S4, theme.S4)
        # Beneath the scroll area from the start: what is added is laid out and dressed bit by bit.
        self.setWidget(body)
        yield from self._make_fields(look)
        yield from self._make_sections(inside)
        inside.addStretch(1)
        self._built = True
        self._dress()

    def _make_fields(self, look: Look) -> Iterator[None]:
        self._name = BothField(look, "workshop.name")
        self._both = {name: BothField(look, f"workshop.{name}", long=True) for name in _LONG}
        yield
        self._sides = TickBoxes(look, "workshop.side", _SIDES)
        self._category = Combo(look)
        self._level = Combo(look)
        self._action = Choice(look, {one: f"workshop.action.{one}" for one in _ACTIONS})
        for combo in (self._category, self._level, self._action):
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.setMinimumContentsLength(5)
            combo.activated.connect(lambda _: self._on_edited())
        self._lists = {
            name: LinesField(
                look,
                "workshop.none_words" if name == "none" else f"workshop.{name}",
                code=name == "expressions" or name.startswith("none_"),
                lines=2 if name.startswith("none_") or name == "basis" else 4,
            )
            for name in _LISTS
        }
        yield
        self._within = Stepper(look, 1, 120, unit="workshop.characters")
        self._near = Stepper(look, 0, 60, unit="workshop.characters")
        self._ordered, self._shadow = Tick(look), Tick(look)
        self._channels = TickBoxes(
            look, "workshop.channel", CHANNELS, automatic="workshop.channel.auto"
        )
        yield
        self._days = {"since": QLineEdit(), "until": QLineEdit()}
        self._owner = QLineEdit()
        for line in (*self._days.values(), self._owner):
            line.setFont(theme.font("small"))
            line.setMinimumHeight(theme.CONTROL)
            line.textEdited.connect(lambda _: self._on_edited())
        for days in self._days.values():
            days.setMaxLength(10)
        fields: list[BothField | LinesField | TickBoxes] = [self._name, *self._both.values()]
        for field in (*fields, *self._lists.values(), self._sides, self._channels):
            field.edited.connect(self._on_edited)
        for stepper in (self._within, self._near):
            stepper.value_changed.connect(lambda _: self._on_edited())
        for box in (self._ordered, self._shadow):
            box.clicked.connect(lambda _=False: self._on_edited())

    def _make_sections(self, inside: QBoxLayout) -> Iterator[None]:
        look, lists = self._look, self._lists

        def section(name: str) -> Section:
            made = Section(look, f"workshop.section.{name}")
            inside.addWidget(made)
            return made

        head = section("head")
        head.add(named(look, "workshop.name", self._name))
        head.add(named(look, "workshop.sides", self._sides))
        head.add(
            named(look, "workshop.category", self._category),
            named(look, "workshop.level", self._level),
            named(look, "workshop.action", self._action),
        )
        yield
        match = section("match")
        match.add(
            named(look, "workshop.words", lists["words"]),
            named(look, "workshop.groups", lists["groups"]),
        )
        match.add(named(look, "workshop.within", self._within), self._beside(self._ordered))
        match.add(named(look, "workshop.expressions", lists["expressions"]))
        yield
        veto = section("veto")
        veto.add(
            named(look, "workshop.none_words", lists["none"]),
            named(look, "workshop.near", self._near, help_=True),
        )
        yield
        for name in ("none_before", "none_after", "none_around"):
            veto.add(named(look, f"workshop.{name}", lists[name]))
        yield
        channels = section("channels")
        channels.add(self._channels)
        yield
        told = section("told")
        for name, both in self._both.items():
            told.add(named(look, f"workshop.{name}", both))
            yield
        when = section("when")
        when.add(self._beside(self._shadow))
        yield
        when.add(
            named(look, "workshop.since", self._days["since"]),
            named(look, "workshop.until", self._days["until"]),
            named(look, "workshop.owner", self._owner),
        )
        yield
        when.add(named(look, "workshop.basis", lists["basis"]))
        yield

    @staticmethod
    def _beside(box: Tick) -> QWidget:
        made = QWidget()
        inside = row(made)
        inside.addWidget(box, 0, Qt.AlignmentFlag.AlignBottom)
        inside.addStretch(1)
        return made

    def set_categories(self, categories: Sequence[str]) -> None:
        """What a rule can be filed under."""
        if tuple(categories) != self._categories:
            self._categories = tuple(categories)
            if self._built:
                self._fill_combos(self._form)

    def set_form(self, form: RuleForm) -> None:
        """Show a rule; fields that say it already, those being typed in too, are left alone."""
        self._filling = True
        self._form = form
        self._name.set_both(form.name)
        for name, both in self._both.items():
            both.set_both(getattr(form, name))
        self._sides.set_values(form.sides)
        for name, lines in self._lists.items():
            lines.set_values(getattr(form, name))
        self._within.set_value(form.within)
        self._near.set_value(form.near)
        self._ordered.setChecked(form.ordered)
        self._shadow.setChecked(form.shadow)
        self._channels.set_values(form.channels, _channels_of(form))
        values: Mapping[QLineEdit, str] = {
            self._days["since"]: form.since,
            self._days["until"]: form.until,
            self._owner: form.owner,
        }
        for line, words in values.items():
            if line.text().strip() != words:
                line.setText(one_line(words))
                line.setCursorPosition(0)
        self._fill_combos(form)
        self._check_days()
        self._filling = False

    def form(self) -> RuleForm:
        """What stands in the fields."""
        channels = self._channels.values()
        made: dict[str, Any] = {name: lines.values() for name, lines in self._lists.items()}
        made |= {name: both.both() for name, both in self._both.items()}
        made |= {name: line.text().strip() for name, line in self._days.items()}
        return replace(
            self._form,
            name=self._name.both(),
            sides=self._sides.values() or (),
            category=str(self._category.currentData() or self._form.category),
            level=self._level.currentData() or self._form.level,
            action=self._action.currentData() or self._form.action,
            within=self._within.value(),
            near=self._near.value(),
            ordered=self._ordered.isChecked(),
            shadow=self._shadow.isChecked(),
            channels=channels,
            owner=self._owner.text().strip(),
            **made,
        )

    def field(self, name: str) -> Any:
        """The control of a field of `RuleForm`."""
        known: dict[str, Any] = {**self._lists, **self._both, **self._days}
        known |= {"name": self._name, "sides": self._sides, "category": self._category}
        known |= {"level": self._level, "action": self._action, "channels": self._channels}
        known |= {"within": self._within, "near": self._near, "ordered": self._ordered}
        known |= {"shadow": self._shadow, "owner": self._owner}
        return known[name]

    def _on_edited(self) -> None:
        if self._filling:
            return
        now = self.form()
        if now == self._form:
            return
        if now.level != self._form.level:
            self._allow(now.level)
            now = self.form()
        if now.channels is None:
            self._channels.set_values(None, _channels_of(now))
        self._form = now
        self._check_days()
        self.edited.emit(now)

    def _check_days(self) -> None:
        for line in self._days.values():
            words = line.text().strip()
            try:
                wrong = bool(words) and not date.fromisoformat(words)
            except ValueError:
                wrong = True
            restyle(line, invalid=wrong)

    def _fill_combos(self, form: RuleForm) -> None:
        look = self._look
        known = sorted((category_words(look, one), one) for one in self._categories)
        if form.category and form.category not in self._categories:
            known.append((category_words(look, form.category), form.category))
        _fill(self._category, known, form.category)
        levels = [
            (look.text("review.level", level=one, name=look.text(f"case.level.{one}")), one)
            for one in _LEVELS
        ]
        _fill(self._level, levels, form.level)
        with QSignalBlocker(self._action):
            self._action.setCurrentIndex(self._action.findData(form.action))
        self._allow(form.level)

    def _allow(self, level: Level) -> None:
        """A level may do some things only; the strongest of them where the present one is none."""
        model: Any = self._action.model()
        allowed = ACTIONS[level]
        for at, action in enumerate(_ACTIONS):
            model.item(at).setEnabled(action in allowed)

    def _dress(self) -> None:
        if not self._built:
            return
        look = self._look
        self._ordered.setText(look.text("workshop.ordered"))
        self._shadow.setText(look.text("workshop.shadow"))
        self._shadow.setToolTip(look.text("workshop.shadow.help"))
        names = {"category": self._category, "level": self._level, "action": self._action}
        fields = {**names, **self._days, "owner": self._owner}
        for name, field in fields.items():
            field.setAccessibleName(look.text(f"workshop.{name}"))
        for name, stepper in (("within", self._within), ("near", self._near)):
            stepper.setAccessibleName(look.text(f"workshop.{name}"))
            stepper.set_look(look)
        for days in self._days.values():
            days.setPlaceholderText(look.text("workshop.day"))
        self._owner.setPlaceholderText(look.text("workshop.owner.hint"))
        self._fill_combos(self._form)


def _channels_of(form: RuleForm) -> tuple[str, ...]:
    """What the rule sees through where it does not say."""
    if form.level == "L0":
        return ("squeeze",)
    return OF_MASKS if form.action == "mask" else CHANNELS


def _fill(combo: QComboBox, options: Sequence[tuple[str, str]], chosen: str) -> None:
    with QSignalBlocker(combo):
        combo.clear()
        for words, value in options:
            combo.addItem(words, value)
        combo.setCurrentIndex(max(0, combo.findData(chosen)))
