"""Texts that somebody is typing: stored a moment after the last key, and until that has worked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from engine.errors import StoreError, ZuoxiError
from engine.records import Language
from engine.texts import explain

AUTOSAVE_MS: Final = 300
_RETRY_MS: Final = 1_000


class Keeping(QObject):
    """One unfinished text for each key. `trouble` is told once for as long as storing fails."""

    trouble = Signal(object)

    def __init__(
        self,
        background: Background,
        put: Callable[[str, str], object],
        parent: QObject | None = None,
    ) -> None:
        """`put` stores a key's text; it is called on the store's thread."""
        super().__init__(parent)
        self._run = background.runner(self)
        self._put = put
        self._language: Language = "zh"
        self._unsaved: dict[str, str] = {}
        self._failing = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.save)

    def set_language(self, language: Language) -> None:
        """Speak another language from now on."""
        self._language = language

    def set_text(self, key: str, text: str) -> None:
        """What is typed for `key` now."""
        self._unsaved[key] = text
        self._timer.start(AUTOSAVE_MS)

    def unsaved(self, key: str) -> str | None:
        """What is typed for `key` and not stored yet; None when all of it is."""
        return self._unsaved.get(key)

    def forget(self, key: str) -> None:
        """There is nothing to store for `key` any more."""
        self._unsaved.pop(key, None)

    def save(self) -> None:
        """Store everything now."""
        self._timer.stop()
        for key, text in self._unsaved.items():
            self._save(key, text)

    def _save(self, key: str, text: str) -> None:
        self._run(lambda: self._put(key, text)).done(lambda _: self._saved(key, text)).failed(
            self._not_saved
        )

    def _saved(self, key: str, text: str) -> None:
        self._failing = False
        if self._unsaved.get(key) == text:
            del self._unsaved[key]

    def _not_saved(self, error: ZuoxiError) -> None:
        if not self._failing:
            self._failing = True
            why = explain(error, self._language)
            self.trouble.emit(StoreError(f"typed: {error.message}", "typed_waiting", why=why))
        self._timer.start(_RETRY_MS)
