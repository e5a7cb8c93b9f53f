"""The settings: what a person changes here is kept and takes effect at once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from desktop.background import Background
from desktop.theme import Look
from desktop.widgets.blocks import Dressed
from desktop.widgets.boxes import column
from desktop.widgets.settings_form import SettingsForm
from engine import settings as settings_file
from engine.drafting.style import StyleProfile
from engine.errors import EmbedderError, ModelError, ZuoxiError
from engine.model_card import ModelCard, read_card
from engine.paths import DataFolder
from engine.settings import Settings
from engine.texts import explain

_REFUSED: Final = {ModelError: "model", EmbedderError: "embedder"}


class SettingsPage(Dressed, QWidget):
    """Saves each change off the UI thread; `applied` follows once it is on the disk."""

    applied = Signal(object)
    trouble = Signal(object)

    def __init__(
        self,
        look: Look,
        background: Background,
        folder: DataFolder,
        settings: Settings,
        styles: tuple[StyleProfile, ...],
    ) -> None:
        super().__init__()
        self._look = look
        self._run = background.runner(self)
        self._folder = folder
        self._kept = settings
        self._styles = styles
        self.form = SettingsForm(look)
        self.form.set_settings(settings)
        self.form.changed.connect(self.save)
        self.form.open_folder_requested.connect(self._open_folder)
        column(self, 0).addWidget(self.form)
        self._dress()

    def style_names(self) -> dict[str, str]:
        """What the styles are called, by id."""
        language = self._look.language
        return {style.id: style.name.of(language) or style.id for style in self._styles}

    def save(self, settings: Settings) -> None:
        """Keep `settings`; if that fails the form shows the former ones again.

        A model or an embedder that could not be used is refused below its field, and the former
        one stays in use.
        """
        folder, former = self._folder, self._kept

        def keep() -> Settings:
            _check_choices(folder, former, settings)
            settings_file.save(self._folder, settings)
            return settings

        self._run(keep).done(self._saved).failed(self._not_saved)

    def show_settings(self, settings: Settings) -> None:
        """Another part changed the settings."""
        self._kept = settings
        self.form.set_settings(settings)

    def measure(self) -> None:
        """Find out how much the data folder holds, and what is known of the model in use."""
        self._read_card()
        root = self._folder.root
        self._run(lambda: _size(root)).done(
            lambda size: self.form.set_data_folder(str(root), size)
        ).failed(lambda _: None)

    def _read_card(self) -> None:
        folder, settings = self._folder, self._kept

        def card() -> ModelCard:
            return read_card(Path(settings_file.engine_config(folder, settings).model))

        self._run(card).done(self.form.set_model_card).failed(lambda _: None)

    def _saved(self, settings: Settings) -> None:
        other_model = settings.model != self._kept.model
        self._kept = settings
        if other_model:
            self._read_card()
        for field in _REFUSED.values():
            self.form.set_problem(field, "")
        self.applied.emit(settings)

    def _not_saved(self, error: ZuoxiError) -> None:
        self.form.set_settings(self._kept)
        for kind, field in _REFUSED.items():
            if isinstance(error, kind):
                self.form.set_problem(field, explain(error, self._look.language))
                return
        self.trouble.emit(error)

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder.root)))

    def _dress(self) -> None:
        self.form.set_styles(list(self.style_names().items()))
        self.form.set_data_folder(str(self._folder.root))


def _check_choices(folder: DataFolder, former: Settings, settings: Settings) -> None:
    """Refuse a newly chosen model or embedder by its header; nothing is loaded."""
    config = settings_file.engine_config(folder, settings)
    if settings.model and settings.model != former.model:
        from engine.drafting.model_file import check_model_file

        check_model_file(Path(config.model))
    if settings.embedder and settings.embedder != former.embedder:
        from engine.knowledge.embedder_folder import check_embedder_folder

        check_embedder_folder(Path(config.embedder))


def _size(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
