"""The settings as a form; each field is checked as it is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from desktop import theme
from desktop.in_turns import InTurns
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Elided, Label, PushButton, Rule, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.path_field import PathField
from desktop.widgets.setting_fields import Choice, Combo, SettingRow, Stepper
from engine.model_card import ModelCard
from engine.settings import Settings

_GROUPS: Final = (
    ("models", ("model", "embedder", "gpu_layers", "threads", "context")),
    ("reply", ("style", "mode", "enter_sends", "undo_seconds", "agent")),
    ("look", ("language", "theme")),
    ("data", ("folder",)),
)
_AGENT_LENGTH: Final = 60


class SettingsForm(Dressed, QScrollArea):
    """Fill with `set_settings`; `changed` gives whole, valid settings after each change.

    Its fields are there at once; they are put into their places bit by bit.
    """

    changed = Signal(object)
    open_folder_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._settings = Settings()
        self._filling = False
        self.setWidgetResizable(True)
        self._make_fields(look)
        self._rows = {name: SettingRow(look, name, one) for name, one in self._fields.items()}
        self._rows["folder"] = SettingRow(look, "folder", self._make_folder(look))
        body = QWidget()
        restyle(body, kind="transparent")
        outer = row(body)
        outer.setContentsMargins(theme.S5, theme.S5, theme.S5, theme.S5)
        page = QWidget()
        page.setMaximumWidth(theme.FORM_WIDTH)
        inside = column(page, theme.S4)
        outer.addStretch(1)
        outer.addWidget(page, 100)
        outer.addStretch(1)
        inside.addWidget(Label(look, "settings", size="title", bold=True))
        self.setWidget(body)
        self._fill()
        self._dress()
        self._turns = InTurns(self)
        self._turns.start(self._place(inside))

    def complete(self) -> None:
        """Put all that is left into its place, now."""
        self._turns.finish()

    def set_look(self, look: Look) -> None:
        """Show all of it in another language or theme."""
        self.complete()
        super().set_look(look)

    def _make_fields(self, look: Look) -> None:
        self._model = PathField(look, folder=False, key="settings.model")
        self._embedder = PathField(look, folder=True, key="settings.embedder")
        self._gpu = Stepper(look, -1, 1000, auto=True)
        self._threads = Stepper(look, 0, 256, auto=True)
        self._context = Stepper(look, 1024, 131072, step=1024)
        self._style = Combo(look)
        modes = ("auto", "verbatim", "free")
        self._mode = Choice(look, {one: f"draft.mode.{one}" for one in modes})
        enter = {False: "settings.enter_sends.no", True: "settings.enter_sends.yes"}
        self._enter = Choice(look, enter)
        self._undo = Stepper(look, 0, 60, unit="settings.seconds")
        self._agent = QLineEdit()
        self._language = Combo(look)
        self._language.addItem("中文", "zh")
        self._language.addItem("English", "en")
        themes = ("system", "light", "dark")
        self._theme = Choice(look, {one: f"settings.theme.{one}" for one in themes})
        self._fields: dict[str, QWidget] = {
            "model": self._model,
            "embedder": self._embedder,
            "gpu_layers": self._gpu,
            "threads": self._threads,
            "context": self._context,
            "style": self._style,
            "mode": self._mode,
            "enter_sends": self._enter,
            "undo_seconds": self._undo,
            "agent": self._agent,
            "language": self._language,
            "theme": self._theme,
        }
        self._model.chosen.connect(lambda path: self._path_chosen("model", path))
        self._embedder.chosen.connect(lambda path: self._path_chosen("embedder", path))
        self._gpu.value_changed.connect(lambda value: self._set(gpu_layers=value))
        self._threads.value_changed.connect(lambda value: self._set(threads=value))
        self._context.value_changed.connect(lambda value: self._set(context=value))
        self._undo.value_changed.connect(lambda value: self._set(undo_seconds=float(value)))
        self._agent.editingFinished.connect(self._agent_left)
        for name, box in (
            ("style", self._style),
            ("mode", self._mode),
            ("enter_sends", self._enter),
            ("language", self._language),
            ("theme", self._theme),
        ):
            box.activated.connect(lambda _=0, name=name, box=box: self._picked(name, box))
        self._agent.setFont(theme.font("small"))
        self._agent.setMinimumHeight(theme.CONTROL)

    def _place(self, page: QVBoxLayout) -> Iterator[None]:
        yield
        for group, names in _GROUPS:
            box, card = QWidget(), Card()
            outside, inside = column(box, theme.S2), column(card, 0)
            outside.addWidget(Label(self._look, f"settings.group.{group}", tone="soft", bold=True))
            outside.addWidget(card)
            page.addWidget(box)
            for at, name in enumerate(names):
                if at:
                    inside.addWidget(Rule())
                inside.addWidget(self._rows[name])
                if at % 2:
                    yield
            yield
        page.addStretch(1)

    def _make_folder(self, look: Look) -> QWidget:
        field = QWidget()
        line = row(field, theme.S2)
        self._folder = Elided(look, tone="soft")
        self._size = Label(look, tone="faint")
        self._open = PushButton(look, "settings.folder.open", "", "folder-open")
        self._open.clicked.connect(self.open_folder_requested)
        line.addWidget(self._folder, 1)
        line.addWidget(self._size)
        line.addWidget(self._open)
        return field

    def set_settings(self, settings: Settings) -> None:
        """Show `settings`, without a signal."""
        self._settings = settings
        self._fill()

    def settings(self) -> Settings:
        """The settings as they stand; always valid."""
        return self._settings

    def set_styles(self, styles: Sequence[tuple[str, str]]) -> None:
        """The style profiles there are, as (id, name)."""
        self._style.clear()
        for style_id, name in styles:
            self._style.addItem(name, style_id)
        self._fill()

    def set_model_card(self, card: ModelCard) -> None:
        """Say what the automatic drafting mode means for the model in use, and why."""
        mode, measured = self._rows["mode"], card.measured
        if measured is None:
            mode.set_help_key("settings.mode.help.unmeasured")
            return
        mode.set_help_key(
            f"settings.mode.help.{measured.mode}",
            cases=measured.cases,
            verbatim=round(100 * measured.verbatim),
            free=round(100 * measured.free),
        )

    def set_data_folder(self, path: str, size_bytes: int | None = None) -> None:
        """Where the data are and how much there is."""
        self._folder.set_text(path)
        self._size.setVisible(size_bytes is not None)
        if size_bytes is not None:
            self._size.set_text(size_text(size_bytes))

    def set_problem(self, field: str, message: str) -> None:
        """Show below a field why its value was not taken; "" clears it."""
        self._rows[field].set_problem(message)

    def problem(self, field: str) -> str:
        """What stands below a field."""
        return self._rows[field].problem()

    def field(self, name: str) -> QWidget:
        """The control of a setting."""
        return self._fields[name]

    def _fill(self) -> None:
        self._filling = True
        now = self._settings
        self._model.set_path(now.model)
        self._embedder.set_path(now.embedder)
        self._gpu.set_value(now.gpu_layers)
        self._threads.set_value(now.threads)
        self._context.set_value(now.context)
        self._undo.set_value(round(now.undo_seconds))
        self._agent.setText(now.agent)
        for name, box in (
            ("style", self._style),
            ("mode", self._mode),
            ("enter_sends", self._enter),
            ("language", self._language),
            ("theme", self._theme),
        ):
            box.setCurrentIndex(box.findData(getattr(now, name)))
        self._filling = False

    def _picked(self, name: str, box: QComboBox) -> None:
        self._set(**{name: box.currentData()})

    def _path_chosen(self, name: str, text: str) -> None:
        path = Path(text).expanduser()
        problem = ""
        # A bare name means a model in the data folder, which the owner looks up.
        if text and (path.is_absolute() or len(path.parts) > 1):
            if name == "model" and path.suffix.lower() != ".gguf":
                problem = "settings.problem.gguf"
            elif not path.exists():
                problem = "settings.problem.missing"
            elif name == "embedder" and not path.is_dir():
                problem = "settings.problem.folder"
        self._rows[name].set_problem_key(problem)
        if not problem:
            self._set(**{name: text})

    def _agent_left(self) -> None:
        text = self._agent.text().strip()
        if len(text) > _AGENT_LENGTH:
            self._rows["agent"].set_problem_key("settings.problem.long", n=_AGENT_LENGTH)
            return
        self._rows["agent"].set_problem_key("")
        self._set(agent=text)

    def _set(self, **values: Any) -> None:
        made = msgspec.structs.replace(self._settings, **values)
        if not self._filling and made != self._settings:
            self._settings = made
            self.changed.emit(made)

    def _dress(self) -> None:
        look = self._look
        self.setAccessibleName(look.text("settings"))
        for name, field in self._fields.items():
            field.setAccessibleName(look.text(f"settings.{name}"))
            field.setAccessibleDescription(self._rows[name].help_text())


def size_text(size: int) -> str:
    """A number of bytes as people read it."""
    amount = float(size)
    for unit in ("B", "KB", "MB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB"
