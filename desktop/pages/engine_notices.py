"""The engine's and the imports' states, in words, for banner and status bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct
from PySide6.QtCore import QObject

from desktop.bridge import EngineBridge, EngineState
from desktop.pages.notices import Notice, Notices
from desktop.session.drafting import Drafting
from desktop.session.importing import Importing
from desktop.widgets.status_bar import StatusBar
from desktop.widgets.values import BannerKind, EnginePhase
from engine.errors import ZuoxiError
from engine.records import Language
from engine.texts import explain, text

if TYPE_CHECKING:
    from engine.knowledge.reports import ImportReport


class Remedies(Struct, frozen=True):
    """What the banner's buttons can do."""

    open_settings: Callable[[], None]
    restart_engine: Callable[[], None]
    choose_knowledge: Callable[[], None]
    rebuild_knowledge: Callable[[], object]


class EngineNotices(QObject):
    """Follows bridge, drafting and imports, and says what they do."""

    def __init__(
        self,
        notices: Notices,
        status: StatusBar,
        bridge: EngineBridge,
        drafting: Drafting,
        importing: Importing,
        remedies: Remedies,
        language: Language,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._notices = notices
        self._status = status
        self._bridge = bridge
        self._drafting = drafting
        self._importing = importing
        self._remedies = remedies
        self._language: Language = language
        self._told_elsewhere = False
        bridge.state_changed.connect(lambda _: self.show())
        bridge.restarted.connect(self._on_restarted)
        bridge.ready.connect(self._on_ready)
        bridge.failed.connect(self._on_failed)
        drafting.changed.connect(lambda _: self.show())
        importing.started.connect(self.show)
        importing.progress.connect(lambda _: self.show())
        importing.finished.connect(self._on_imported)
        importing.failed.connect(self._on_import_failed)

    def set_language(self, language: Language) -> None:
        """Speak another language."""
        self._language = language
        self._notices.forget()
        self.show()

    def set_page(self, page: str) -> None:
        """Which page is shown: that of the knowledge tells of imports itself."""
        self._told_elsewhere = page == "knowledge"
        self.show()

    def tell(self, error: ZuoxiError) -> None:
        """Say what went wrong."""
        words = explain(error, self._language)
        kind: BannerKind = (
            "warning" if error.code in ("blocked", "script_missing", "draft_stale") else "error"
        )
        self._notices.tell(Notice(f"error.{error.code}", kind, words), passing=kind == "warning")

    def say(self, key: str, **values: object) -> None:
        """Say something that passes."""
        self._notices.tell(Notice(key, "info", self._text(key, **values)), passing=True)

    def show(self) -> None:
        """Show the states as they are."""
        state = self._bridge.state
        self._show_status(state)
        self._notices.hold(self._condition(state))

    def _text(self, key: str, **values: object) -> str:
        return text(key, self._language, **values)

    def _show_status(self, state: EngineState) -> None:
        phase: EnginePhase = "starting"
        reason, ready = "", state.ready
        if state.phase == "failed" and state.failed is not None:
            phase = "failed"  # The banner says why.
        elif state.phase == "restarted" and state.restarted is not None:
            phase, reason = "restarted", state.restarted.why
        elif state.phase == "ready" and ready is not None:
            phase = "drafting" if self._drafting.under_way else "ready"
            if ready.model_error:
                phase = "no_model"
        elif state.phase == "off":
            phase, reason = "failed", ""
        self._status.set_engine(
            phase, state.step, reason, self._model(ready.model) if ready else ""
        )
        if ready is not None:
            self._status.set_offload(ready.offload, self._offload_reason(ready.offload.reason))
            self._status.set_knowledge(f"v{ready.knowledge}" if ready.knowledge else "")
            self._status.set_rules(ready.rules[:6])

    def _model(self, name: str) -> str:
        """A model's name without its hash, which says nothing to an agent."""
        short = name.partition("@")[0]
        return self._text("desk.model.starter") if short == "starter" else short

    def _offload_reason(self, code: str) -> str:
        try:
            return self._text(code) if code else ""
        except KeyError:
            return code

    def _condition(self, state: EngineState) -> Notice | None:
        remedies, ready = self._remedies, state.ready
        if self._importing.running and not self._told_elsewhere:
            words = self._importing.words(self._language)
            if self._importing.work == "remove":
                return Notice("import", "info", words)
            cancel = self._text("desk.import.cancel")
            return Notice("import", "info", words, "", cancel, self._importing.cancel)
        if state.phase == "failed" and state.failed is not None:
            return Notice(
                f"failed.{state.failed.code}",
                "error",
                self._text("desk.engine.failed"),
                state.failed.message,
                self._text("desk.engine.retry"),
                remedies.restart_engine,
            )
        if state.phase != "ready" or ready is None:
            return None
        if ready.model_error:
            return Notice(
                "no_model",
                "warning",
                self._text("desk.engine.no_model"),
                ready.model_error,
                self._text("desk.engine.settings"),
                remedies.open_settings,
            )
        if ready.knowledge_error:
            return Notice(
                "knowledge",
                "warning",
                self._text("desk.knowledge.unusable"),
                ready.knowledge_error,
                self._text("desk.knowledge.rebuild"),
                remedies.rebuild_knowledge,
            )
        if not ready.passages and not self._told_elsewhere:
            return Notice(
                "empty",
                "info",
                self._text("desk.knowledge.empty"),
                self._text("desk.knowledge.empty.details"),
                self._text("desk.knowledge.import"),
                remedies.choose_knowledge,
            )
        return None

    def _on_imported(self, report: ImportReport) -> None:
        self.show()
        if self._told_elsewhere:
            return
        if self._importing.work == "remove":
            self.say("desk.remove.done", doc=self._importing.doc)
            return
        skipped = len(report.skipped)
        details = "\n".join(
            f"{one.path}: {explain(one.error(), self._language)}" for one in report.skipped[:20]
        )
        values = {
            "documents": report.total_documents,
            "passages": report.total_passages,
            "n": skipped,
        }
        key = "desk.import.skipped" if skipped else "desk.import.done"
        if skipped and not report.documents:
            key = "desk.import.nothing"
        kind: BannerKind = "warning" if skipped else "info"
        self._notices.tell(
            Notice(key, kind, self._text(key, **values), details), passing=not skipped
        )

    def _on_import_failed(self, error: ZuoxiError) -> None:
        self.show()
        if self._told_elsewhere:
            return
        if error.code == "import_cancelled":
            self.say("desk.import.cancelled")
        else:
            self.tell(error)

    def _on_restarted(self, event: object) -> None:
        why = getattr(event, "why", "")
        words = self._text("desk.engine.restarted", why=why)
        self._notices.tell(Notice("restarted", "warning", words))

    def _on_ready(self, _event: object) -> None:
        shown = self._notices.shown
        if shown is not None and shown.key == "restarted":
            self.say("desk.engine.back")

    def _on_failed(self, _event: object) -> None:
        """It is not being restarted any more: what is the case, and its remedy, must be seen."""
        shown = self._notices.shown
        if shown is not None and shown.key == "restarted":
            self._notices.forget()
