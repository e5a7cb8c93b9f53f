"""What narrows the list of the review page: the verdict at once, the rest behind a button."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final, Literal, get_args

from msgspec import DecodeError, Struct, json
from msgspec.structs import replace
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Dressed, Label, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.filter_chips import filter_chips
from desktop.widgets.flow import FlowBox
from desktop.widgets.plain_text import one_line
from desktop.widgets.review_delegate import category_words
from desktop.widgets.review_values import Choices, HitFilter, Judged
from desktop.widgets.setting_fields import Combo
from engine.records import Level, Side

JUDGED: Final[tuple[Judged, ...]] = ("none", "appealed", "right", "false_alarm", "missed", "")
_FIELDS: Final = ("rule", "category", "level", "side", "who", "trial")
Period = Literal["all", "today", "week", "month", "own"]
_PERIODS: Final[dict[Period, int | None]] = {
    "all": None,
    "today": 0,
    "week": 6,
    "month": 29,
    "own": None,
}


def day_start(day: date) -> float:
    """When a local day begins, in seconds since 1970."""
    return datetime(day.year, day.month, day.day).timestamp()


def _since(period: Period) -> float | None:
    """When a period up to now begins; None for one without a beginning of its own."""
    back = _PERIODS[period]
    return None if back is None else day_start(date.today() - timedelta(days=back))


class _Kept(Struct, frozen=True):
    """What is remembered: the filter, and which period its dates were reckoned from."""

    filter: HitFilter
    period: Period = "all"


class DayField(Dressed, QLineEdit):
    """A day as year-month-day; what is none is marked."""

    def __init__(self, look: Look, key: str) -> None:
        super().__init__()
        self._look, self._key = look, key
        self.setFont(theme.font("small"))
        self.setMaxLength(10)
        self._dress()

    def day(self) -> date | None:
        """The day that stands there; None for none."""
        try:
            return date.fromisoformat(self.text().strip())
        except ValueError:
            return None

    def check(self) -> None:
        """Mark what is no day."""
        restyle(self, invalid=bool(self.text().strip()) and self.day() is None)

    def _dress(self) -> None:
        words = self._look.text(self._key)
        self.setPlaceholderText(words)
        self.setAccessibleName(words)


class ReviewFilters(Dressed, QWidget):
    """`changed` brings the `HitFilter` that a person asks for; it stays until it is changed."""

    changed = Signal(object)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._filter = HitFilter()
        self._choices = Choices()
        self._names: Mapping[str, str] = {}
        self._combos: dict[str, Combo] = {}
        self._days: tuple[DayField, ...] = ()
        self._fields: QWidget | None = None
        self._period: Period = "all"
        self._flow = FlowBox()
        self._chips = filter_chips(
            self,
            look,
            "review.judged",
            JUDGED,
            self._flow.add,
            lambda judged: self._take(judged=judged),
        )
        self._more = PushButton(look, "review.filters", "quiet", "funnel")
        self._more.setCheckable(True)
        self._more.toggled.connect(self._on_more)
        self._clear = PushButton(look, "review.clear", "quiet", "x")
        self._clear.clicked.connect(self.clear)
        bar = row(None, theme.S1)
        bar.addWidget(self._more)
        bar.addWidget(self._clear)
        bar.addStretch(1)
        whole = column(self, theme.S2)
        whole.addWidget(self._flow)
        whole.addLayout(bar)
        self._whole = whole
        self._dress()

    def filter(self) -> HitFilter:
        """What is asked for."""
        return self._filter

    def set_choices(self, choices: Choices, names: Mapping[str, str]) -> None:
        """What there is to choose from; `names` are the rules' by id."""
        self._choices, self._names = choices, names
        self._dress()

    def set_filter(self, wanted: HitFilter) -> None:
        """Show another filter, without a signal."""
        self._filter = wanted
        self._dress()

    def state(self) -> str:
        """What is asked for, for `restore`."""
        return json.encode(_Kept(self._filter, self._period)).decode()

    def restore(self, state: str) -> None:
        """Ask for what `state` says, without a signal; what is no state asks for nothing."""
        try:
            kept = json.decode(state, type=_Kept)
        except (DecodeError, ValueError):
            return
        self._filter, self._period = kept.filter, kept.period
        if kept.period != "own":
            # Today is another day by now.
            self._filter = replace(kept.filter, since=_since(kept.period), until=None)
        if self._filter.narrowed():
            self._more.setChecked(True)
        self._dress()

    def combo(self, name: str) -> Combo:
        """The list of one field: rule, category, level, side, who or period."""
        self._made()
        return self._combos[name]

    def days(self) -> tuple[DayField, DayField]:
        """The first and the last day."""
        self._made()
        return self._days[0], self._days[1]

    def clear(self) -> None:
        """Narrow by nothing; what is to be reviewed stays chosen."""
        self._period = "all"
        self._put(HitFilter())
        self._show_days()

    def _made(self) -> QWidget:
        """The fields behind the button, made when they are first needed."""
        if self._fields is not None:
            return self._fields
        look = self._look
        self._fields = QWidget()
        self._fields.hide()
        self._whole.addWidget(self._fields)
        grid = QGridLayout(self._fields)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.S1)
        for at, name in enumerate((*_FIELDS, "period")):
            combo = Combo(look)
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.setMinimumContentsLength(4)
            label = Label(look, f"review.field.{name}", tone="faint")
            label.setBuddy(combo)
            combo.activated.connect(lambda _, name=name: self._on_combo(name))
            grid.addWidget(label, at // 2 * 2, at % 2)
            grid.addWidget(combo, at // 2 * 2 + 1, at % 2)
            self._combos[name] = combo
        self._days = (DayField(look, "review.since"), DayField(look, "review.until"))
        for at, field in enumerate(self._days):
            field.editingFinished.connect(self._on_days)
            grid.addWidget(field, len(self._combos) + 1, at)
        for at in (0, 1):
            grid.setColumnStretch(at, 1)
        self._show_days()
        self._dress()
        return self._fields

    def _show_days(self) -> None:
        since, until = self._filter.since, self._filter.until
        first = None if since is None else date.fromtimestamp(since)
        last = None if until is None else date.fromtimestamp(until) - timedelta(days=1)
        for field, day in zip(self._days, (first, last), strict=False):
            field.setText("" if day is None or self._period != "own" else str(day))
            field.check()
            field.setVisible(self._period == "own")

    def _take(self, **values: object) -> None:
        self._put(replace(self._filter, **values))

    def _put(self, wanted: HitFilter) -> None:
        changed = wanted != self._filter
        self._filter = wanted
        self._dress()
        if changed:
            self.changed.emit(wanted)

    def _on_more(self, shown: bool) -> None:
        self._made().setVisible(shown)

    def _on_combo(self, name: str) -> None:
        value = self._combos[name].currentData()
        if name != "period":
            self._take(**{name: value})
            return
        self._period = value
        if value == "own":
            self._show_days()
            self._days[0].setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self._take(since=_since(value), until=None)
        self._show_days()

    def _on_days(self) -> None:
        for field in self._days:
            field.check()
        first, last = (field.day() for field in self._days)
        self._take(
            since=None if first is None else day_start(first),
            until=None if last is None else day_start(last + timedelta(days=1)),
        )

    def _options(self, name: str) -> list[tuple[str, str]]:
        look = self._look
        if name == "rule":
            rules = [(one_line(self._names.get(one, one)), one) for one in self._choices.rules]
            return sorted(rules)
        if name == "category":
            return sorted((category_words(look, one), one) for one in self._choices.categories)
        if name == "who":
            return [(one_line(one), one) for one in self._choices.agents]
        if name == "trial":
            return [(look.text(f"review.trial.{one}"), one) for one in ("no", "yes")]
        if name == "level":
            return [
                (look.text("review.level", level=one, name=look.text(f"case.level.{one}")), one)
                for one in reversed(get_args(Level))
            ]
        return [(look.text(f"review.side.{one}"), one) for one in get_args(Side)]

    def _fill(self, name: str) -> None:
        combo = self._combos[name]
        with QSignalBlocker(combo):
            combo.clear()
            if name == "period":
                for one in _PERIODS:
                    combo.addItem(self._look.text(f"review.period.{one}"), one)
                combo.setCurrentIndex(max(0, combo.findData(self._period)))
                return
            chosen = str(getattr(self._filter, name))
            combo.addItem(self._look.text(f"review.any.{name}"), "")
            for words, value in self._options(name):
                combo.addItem(words, value)
            if chosen and combo.findData(chosen) < 0:
                combo.addItem(chosen, chosen)
            combo.setCurrentIndex(max(0, combo.findData(chosen)))

    def _dress(self) -> None:
        look = self._look
        for name, combo in self._combos.items():
            self._fill(name)
            combo.setAccessibleName(look.text(f"review.field.{name}"))
        self._chips[self._filter.judged].setChecked(True)
        self._flow.setAccessibleName(look.text("review.verdicts"))
        n = self._filter.narrowed()
        if n:
            self._more.set_key("review.filters.n", n=n)
        else:
            self._more.set_key("review.filters")
        none = self._filter == HitFilter()
        self._clear.block(look.text("review.clear.none") if none else "")
