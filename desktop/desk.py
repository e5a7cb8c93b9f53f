"""The only wiring: an open desk with everything behind it, and back to nothing left behind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace
from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from desktop import theme
from desktop.background import Background
from desktop.bridge import EngineBridge
from desktop.in_turns import InTurns
from desktop.main_window import MainWindow
from desktop.pages.desk import DeskPage
from desktop.pages.engine_notices import EngineNotices, Remedies
from desktop.pages.further import Behind, FurtherPage, load, make
from desktop.session.desk_session import DeskSession
from desktop.session.drafting import Drafting
from desktop.session.engine_memory import EngineMemory
from desktop.session.first_frame import FirstFrame
from desktop.session.importing import Importing
from desktop.session.intake import Intake, ReplayChannel
from desktop.session.opening import Opened
from desktop.session.outgoing import Outgoing
from desktop.session.queue_model import QueueModel
from desktop.session.review_waiting import Waiting
from desktop.session.rules_in_force import RulesInForce
from desktop.session.sample import Sample, read_sample
from desktop.session.soundness import Soundness
from desktop.widgets.values import PAGES
from engine.drafting.style import StyleProfile, list_styles
from engine.errors import KnowledgeError, ZuoxiError
from engine.paths import STYLES, DataFolder
from engine.protocol import EngineConfig
from engine.settings import Settings
from engine.store.rows import StoredMessage

if TYPE_CHECKING:
    from desktop.pages.settings import SettingsPage

_WINDOW: Final = "window.ini"
_FURTHER_MS: Final = 3000  # Or whoever opens another page first would wait for it.

Configure = Callable[[DataFolder, Settings], EngineConfig]


class Desk(QObject):
    """An open desk: the window and everything behind it. `close` leaves no thread, timer or
    process; closing the window does the same."""

    closed = Signal()

    def __init__(
        self,
        folder: DataFolder,
        opened: Opened,
        *,
        configure: Configure,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self._folder = folder
        self._opened = opened
        self._configure = configure
        self._clock = clock
        self._open = True
        self._sample: Sample | None = None
        settings, store, gate = opened.settings, opened.store, opened.gate
        self.settings, self.store, self.gate = settings, store, gate
        language = settings.language
        self._config = configure(folder, settings)
        self.background = Background(self)
        self.bridge = EngineBridge(self.background, self._config, self)
        self.drafting = Drafting(
            self.background, store, self.bridge, language=language, parent=self
        )
        self.outgoing = Outgoing(
            self.background, store, clock=clock, language=language, parent=self
        )
        self.intake = Intake(self.background, store, gate, language=language, parent=self)
        self.engine_memory = EngineMemory(self.background, store, gate, self.bridge, self.intake)
        self.soundness = Soundness(self.background, store, self)
        self.rules_in_force = RulesInForce(self.background, store, gate, opened.rules, self)
        embedder = Path(self._config.embedder)
        self.importing = Importing(self.background, folder.knowledge, embedder, self)
        self.queue = QueueModel(self.background, store, clock=clock, language=language, parent=self)
        work = (self.bridge, self.drafting, self.outgoing)
        self.session = DeskSession(self.background, store, gate, *work, settings, self)
        self._styles: tuple[StyleProfile, ...] | None = None
        self._settings_page: SettingsPage | None = None
        self._make_window()
        self._wire()
        if opened.sample is not None:
            self._use_sample(opened.sample)

    def start(self, *, start_engine: bool = True) -> None:
        """Begin to take in, to send and, once the window has been drawn, to draft."""
        self._engine_wanted = start_engine
        behind = (self.background, self.queue, self.page.queue.drawn, self.window.isVisible)
        FirstFrame(*behind, self).over.connect(self._begin)
        self.outgoing.start()
        self.intake.start()
        self.notices.show()

    def load_sample(self) -> None:
        """Let the sample company's customers write from now on."""
        if self._sample is None:
            try:
                self._use_sample(read_sample())
            except ZuoxiError as error:
                self.notices.tell(error)

    def apply(self, settings: Settings) -> None:
        """Work with these settings, which are kept already, from now on."""
        old, self.settings = self.settings, settings
        if (old.language, old.theme) != (settings.language, settings.theme):
            self._redress()
        self.session.set_settings(settings)
        self.page.set_settings(settings)
        if self._settings_page is not None:
            self._settings_page.show_settings(settings)
        config = self._configure(self._folder, settings)
        if config != self._config:
            other_embedder = config.embedder != self._config.embedder
            self._config = config
            self.importing.set_embedder(Path(config.embedder))
            self.bridge.restart(config)
            if other_embedder:
                self.notices.say("desk.embedder.changed")

    def close(self) -> None:
        """Keep what is typed, end the engine and all threads, close the store."""
        if not self._open:
            return
        self._open = False
        self.window.remember(self.page.columns())
        self.window.hide()
        self.session.save()
        self.intake.stop()
        self.outgoing.stop()
        self.drafting.stop()
        self.importing.stop()
        self.bridge.close()
        self.background.close()
        self._opened.close()
        self.window.deleteLater()
        self.deleteLater()
        self.closed.emit()

    @property
    def settings_page(self) -> SettingsPage:
        """The page of the settings, made when it is first asked for."""
        if self._settings_page is None:
            from desktop.pages.settings import SettingsPage

            look = theme.look(self.settings.theme, self.settings.language)
            page = SettingsPage(look, self.background, self._folder, self.settings, self._known())
            page.trouble.connect(self.notices.tell)
            page.applied.connect(self.apply)
            self._settings_page = page
        return self._settings_page

    def _make_further(self, name: FurtherPage) -> QWidget:
        look = theme.look(self.settings.theme, self.settings.language)
        behind = Behind(
            background=self.background,
            store=self.store,
            gate=self.gate,
            folder=self._folder,
            rules=self.rules_in_force,
            importing=self.importing,
            bridge=self.bridge,
            show_page=self.window.show_page,
            open_conversation=self.page.open,
            forgotten=self.engine_memory.look,
            memory=self.window.memory,
            settings=lambda: self.settings,
            today=self.drafting.today,
            clock=self._clock,
        )
        page = make(name, look, behind)
        page.trouble.connect(self.notices.tell)
        return page

    def _make_window(self) -> None:
        settings = self.settings
        look = theme.look(settings.theme, settings.language)
        theme.prepare(application(), look)
        self.window = MainWindow(look, self._folder.root / _WINDOW)
        behind = (self.session, self.queue, self.drafting, self.bridge)
        self.page = DeskPage(look, *behind, settings, self._clock)
        makers: dict[str, Callable[[], QWidget]] = {
            "desk": lambda: self.page,
            "knowledge": lambda: self._make_further("knowledge"),
            "review": lambda: self._make_further("review"),
            "workshop": lambda: self._make_further("workshop"),
            "settings": lambda: self.settings_page,
        }
        self.window.set_pages([(page, makers[page.id]) for page in PAGES])
        self.page.restore_columns(self.window.columns())
        self.notices = EngineNotices(
            self.window.notices,
            self.window.status,
            self.bridge,
            self.drafting,
            self.importing,
            Remedies(
                open_settings=lambda: self.window.show_page("settings"),
                restart_engine=lambda: self.bridge.restart(self._config),
                choose_knowledge=lambda: self.window.show_page("knowledge"),
                rebuild_knowledge=self.importing.rebuild,
            ),
            settings.language,
            self,
        )
        self.window.bind(self._handlers())
        self.page.focus_queue()
        theme.apply(application(), look)

    def _handlers(self) -> Mapping[str, Callable[[], object]]:
        page, window = self.page, self.window

        def on_desk(act: Callable[[], object]) -> Callable[[], None]:
            def go() -> None:
                if window.page() != "desk":
                    window.show_page("desk")
                act()

            return go

        going = {f"go_{one.id}": partial(window.show_page, one.id) for one in PAGES}
        return going | {
            "accept": page.accept,
            "edit": page.edit,
            "reject": page.reject,
            "redraft": page.redraft,
            "thumbs_down": page.thumbs_down,
            "hand_over": page.hand_over,
            "undo_send": page.undo_send,
            "insert_script": page.insert_script,
            "override": page.override,
            "focus_composer": on_desk(page.focus_composer),
            "previous": on_desk(page.queue.select_previous),
            "next": on_desk(page.queue.select_next),
            "search": on_desk(page.queue.focus_search),
            "toggle_theme": self._toggle_theme,
        }

    def _wire(self) -> None:
        self.window.closing.connect(self.close)
        self.window.page_shown.connect(self._on_page)
        behind = (self.background, self.store, self.session, self.rules_in_force)
        waiting = Waiting(*behind, lambda: self.settings.agent, self)
        waiting.counted.connect(self.window.rail.set_badge)
        rules, status = self.rules_in_force, self.window.status
        work = (self.page, self.intake, self.soundness, self.outgoing, rules)
        for source in (self.background, *work):
            source.trouble.connect(self.notices.tell)
        rules.changed.connect(lambda running: status.set_rules(running.rules[:6]))
        # What is typed was judged by the former rules.
        rules.changed.connect(lambda _: self.session.composing.screen())
        self.session.answers.said.connect(lambda key, values: self.notices.say(key, **values))
        self.session.composing.objecting.remember(self.window.memory)
        self.page.sample_requested.connect(self.load_sample)
        self.intake.arrived.connect(self._on_arrived)
        self.intake.changed.connect(self._on_changed)
        self.intake.changed.connect(self.rules_in_force.look)
        self.intake.caught_up.connect(self._on_caught_up)
        self.drafting.changed.connect(self._on_drafting)
        self.drafting.saved.connect(lambda _: self.queue.refresh())
        self.drafting.failures_changed.connect(
            lambda: self.queue.set_failing(self.drafting.failures)
        )
        self.session.decided.connect(lambda _: self.queue.refresh())
        self.session.updated.connect(lambda _: self.queue.refresh())
        self.outgoing.sent.connect(self._on_sent)
        self.outgoing.undone.connect(lambda *_: self.queue.refresh())
        self.importing.finished.connect(self._on_imported)
        self.importing.mending.connect(lambda: self.notices.say("desk.knowledge.mending"))
        self.bridge.ready.connect(lambda ready: self.importing.mend(ready.knowledge_code))
        self.bridge.request_failed.connect(lambda failed: self.importing.mend(failed.code))
        self.queue.refreshed.connect(self._on_queue)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._redress)

    def _use_sample(self, sample: Sample) -> None:
        self._sample = sample
        self.drafting.set_as_of(sample.company.as_of)
        self.intake.add_channel(ReplayChannel(sample.script, self._clock, self._folder.replay))
        self.page.queue.set_start_offered(False)
        from engine.knowledge import catalogue

        try:
            empty = catalogue.current(self._folder.knowledge) is None
        except KnowledgeError:
            # The engine says so, and offers to index again.
            empty = False
        if empty:
            self.importing.import_paths([sample.knowledge])

    def _begin(self) -> None:
        """What the first page does without."""
        if not self._open:
            return
        if self._engine_wanted:
            self.bridge.start()
        self.page.make_ready()
        QTimer.singleShot(_FURTHER_MS, self, self._load_further)
        run, gate = self.background.run, self.gate
        run(self, lambda: gate.make_ready("customer", "agent"), "long").failed(lambda _: None)
        run(self, lambda: list_styles(STYLES), "long").done(self._name_styles)

    def _load_further(self) -> None:
        turns = InTurns(self)
        turns.done.connect(self.background.garbage.pass_over)
        turns.start(load())

    def _known(self) -> tuple[StyleProfile, ...]:
        if self._styles is None:
            self._styles = list_styles(STYLES)
        return self._styles

    def _name_styles(self, styles: tuple[StyleProfile, ...]) -> None:
        self._styles = styles
        language = self.settings.language
        self.page.set_styles({one.id: one.name.of(language) or one.id for one in styles})

    def _toggle_theme(self) -> None:
        dark = theme.look(self.settings.theme, self.settings.language).tokens.dark
        self.settings_page.save(replace(self.settings, theme="light" if dark else "dark"))

    def _redress(self) -> None:
        settings = self.settings
        look = theme.look(settings.theme, settings.language)
        theme.apply(application(), look)
        self.window.set_look(look)
        self._name_styles(self._known())
        self.notices.set_language(settings.language)
        self.queue.set_language(settings.language)
        self.drafting.set_language(settings.language)
        self.intake.set_language(settings.language)
        self.outgoing.set_language(settings.language)

    def _on_page(self, page: str) -> None:
        self.notices.set_page(page)
        if page == "settings":
            self.settings_page.measure()
        elif page == "desk":  # A lead may have answered, or deleted, on the review page.
            self.session.refresh()
            self.queue.refresh()

    def _on_arrived(self, conversation: str) -> None:
        self.drafting.message_arrived(conversation)
        self.queue.refresh()
        if conversation == self.session.conversation:
            self.session.refresh()

    def _on_changed(self) -> None:
        self.outgoing.refresh()
        self.queue.refresh()
        self.session.refresh()
        self.drafting.store_changed()

    def _on_caught_up(self, count: int) -> None:
        if count:
            self.notices.say("desk.caught_up", n=count)

    def _on_drafting(self, _conversation: str) -> None:
        self.queue.set_drafting(self.drafting.under_way)
        self.queue.set_failing(self.drafting.failures)

    def _on_sent(self, message: StoredMessage) -> None:
        self.intake.deliver()
        self.queue.refresh()
        if message.conversation == self.session.conversation:
            self.session.refresh()

    def _on_imported(self, _report: object) -> None:
        if self.bridge.state.phase == "ready":
            self.bridge.reload_knowledge()

    def _on_queue(self, page: object) -> None:
        today = getattr(page, "today", None)
        if today is None:
            return
        answered = today.accepted + today.edited + today.rewritten + today.rejected
        share = today.accepted / answered if answered else None
        self.window.status.set_accepted(share, answered)


def application() -> QApplication:
    """This process's own."""
    app = QCoreApplication.instance()
    return app if isinstance(app, QApplication) else QApplication(sys.argv[:1])
