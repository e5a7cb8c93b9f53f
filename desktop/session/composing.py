"""What is typed in the open conversation: kept after a moment, screened while it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from desktop.session.clearing import Clearance, clearance
from desktop.session.keeping import Keeping
from desktop.session.objecting import Objecting, own_word
from engine import deciding
from engine.errors import ZuoxiError
from engine.records import Hit, Language, Screening
from engine.redline.gate import Gate
from engine.store.rows import Approval, StoredDecision
from engine.store.store import Store

SCREEN_MS: Final = 150


class Composing(QObject):
    """One text, of one conversation at a time.

    `screened` brings the `Screening` of the text as it is now, `cleared` its `Clearance`,
    `replaced` a text to show in place of what is typed. `asked` brings the `Approval` that a lead
    was asked for, which is stored by then, `not_asked` the error.
    """

    screened = Signal(object)
    cleared = Signal(object)
    asked = Signal(object)
    not_asked = Signal(object)
    replaced = Signal(str)
    trouble = Signal(object)

    def __init__(
        self, background: Background, store: Store, gate: Gate, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._run = background.runner(self)
        self._store = store
        self._gate = gate
        self._conversation = self._text = ""
        self._language: Language = "zh"
        self._agent = ""
        self.objecting = Objecting(background, store, gate, self)
        self.objecting.filed.connect(lambda _: self.screen())
        self._keeping = Keeping(background, store.composers.put, self)
        self._keeping.trouble.connect(self.trouble)
        self._screen = self._single_shot(SCREEN_MS, self.screen)

    @property
    def text(self) -> str:
        """What is typed and not sent."""
        return self._text

    def set_language(self, language: Language) -> None:
        """Name hits in another language from now on."""
        self._language = language
        self._keeping.set_language(language)

    def set_agent(self, name: str) -> None:
        """Whose words these are; "" while nobody is named."""
        self._agent = name.strip()
        self.objecting.start(self._agent)

    def object_to(self, hit: Hit, why: str) -> None:
        """Say that a rule keeps what is typed back without cause; a lead answers."""
        self.save()
        self.objecting.file(self._conversation, self._text, hit, why, self._agent, self._language)

    def begin(self, conversation: str) -> None:
        """Another conversation is opened: keep what was typed in the former one."""
        self.save()
        self._screen.stop()
        self._conversation, self._text = conversation, ""

    def restore(self, kept: str) -> None:
        """The text that was kept for this conversation, unless something is typed already."""
        if not self._text:
            unsaved = self._keeping.unsaved(self._conversation)
            self._text = kept if unsaved is None else unsaved
        self._screen.start()

    def set_text(self, text: str) -> None:
        """What is typed now."""
        if text != self._text:
            self._text = text
            if self._conversation:
                self._keeping.set_text(self._conversation, text)
            self._screen.start()

    def replace(self, text: str) -> None:
        """Put `text` in place of what is typed."""
        self.set_text(text)
        self.save()
        self.replaced.emit(text)

    def sent(self, conversation: str, text: str) -> None:
        """`text` was sent and forgotten in the store; what was typed since then stays."""
        if self._keeping.unsaved(conversation) == text:
            self._keeping.forget(conversation)
        if conversation == self._conversation:
            rest = "" if self._text == text else self._text
            self._text = rest
            if rest:
                self._keeping.set_text(conversation, rest)
            self._screen.start()
            self.replaced.emit(rest)

    def give_back(self, decision: StoredDecision) -> None:
        """Show the words of a decision that was taken back where they were written."""
        if decision.conversation == self._conversation and not self._text.strip():
            self.replace(decision.text)

    def save(self) -> None:
        """Keep what is typed now."""
        self._keeping.save()

    def screen(self) -> None:
        """Ask the gate about what is typed now."""
        self._screen.stop()
        conversation, text, language = self._conversation, self._text, self._language
        agent = self._agent
        if not text.strip():
            self.screened.emit(Screening())
        if not conversation:
            return

        def ask() -> Clearance:
            turns = self._store.conversations.turns(conversation)
            screening = Screening()
            if text.strip():
                screening = self._gate.screen(text, "agent", language=language, turns=turns)
            approvals = self._store.approvals.of(conversation)
            found = clearance(text, screening, approvals, agent)
            if found.gravest is None or not agent:
                return found
            filed = self._store.reviews.appeals_by(agent)
            return replace(found, appeal=own_word(filed, conversation, found.gravest))

        def show(found: Clearance) -> None:
            if (conversation, text) == (self._conversation, self._text):
                if text.strip():
                    self.screened.emit(found.screening)
                self.cleared.emit(found)

        # A gate that cannot look lets nothing out.
        closed = Clearance(text, Screening(action="block"))
        self._run(ask).done(show).failed(lambda _: show(closed))

    def ask_lead(self, reason: str, who: str) -> None:
        """Ask a lead to let pass what is typed; it is kept first."""
        self.save()
        conversation, text, language = self._conversation, self._text, self._language

        def ask() -> Approval:
            return deciding.ask_for_approval(
                self._store, self._gate, conversation, reason, who, text=text, language=language
            )

        def stored(approval: Approval) -> None:
            self.asked.emit(approval)
            self.screen()

        def failed(error: ZuoxiError) -> None:
            if conversation == self._conversation:
                self.not_asked.emit(error)
                self.screen()

        self._run(ask).done(stored).failed(failed)

    def comes_first(self, script: str) -> bool:
        """Whether a mandatory script belongs before all else: those due in the first reply do."""
        return any(
            one.by_turn == 1 and script in (one.text.zh, one.text.en)
            for one in self._gate.rule_set.scripts
        )

    def _single_shot(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer
