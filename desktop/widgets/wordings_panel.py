"""What customers say and what the documents call it: proposals above, the own table below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, Label, PushButton, restyle
from desktop.widgets.boxes import column, row
from desktop.widgets.empty_state import EmptyState
from desktop.widgets.notice import Skeleton
from desktop.widgets.values import OwnWording, WordingView
from desktop.widgets.wording_rows import NewPair, OwnRow, ProposalRow

# Beyond this many the file itself is the better place to work in.
MOST_OWN: Final = 200


class WordingsPanel(Dressed, QScrollArea):
    """Fill with `set_proposals` and `set_own`. Signals name wordings as they were given.

    `accepted` gives the proposal's wording and the pair as it stands in the fields;
    `undo_requested` takes back what `say` told of.
    """

    accepted = Signal(str, str, str)
    dismissed = Signal(str)
    added = Signal(str, str)
    changed = Signal(object, str, str)
    removed = Signal(object)
    undo_requested = Signal()
    open_table_requested = Signal()
    retry_requested = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._proposals: dict[str, ProposalRow] = {}
        self._own: dict[tuple[str, str], OwnRow] = {}
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        body = QWidget()
        restyle(body, kind="transparent")
        outer = row(body)
        outer.setContentsMargins(theme.S5, theme.S5, theme.S5, theme.S5)
        page = QWidget()
        page.setMaximumWidth(theme.FORM_WIDTH + theme.FIELD_WIDTH)
        inside = column(page, theme.S2)
        outer.addStretch(1)
        outer.addWidget(page, 100)
        outer.addStretch(1)
        inside.addWidget(Label(look, "wordings", size="title", bold=True))
        inside.addWidget(Label(look, "wordings.help", tone="soft", wrap=True))
        inside.addSpacing(theme.S3)
        self._make_proposals(inside)
        inside.addSpacing(theme.S3)
        self._make_own(inside)
        inside.addStretch(1)
        self.setWidget(body)
        self._dress()
        self.show_loading()

    def _dress(self) -> None:
        self.setAccessibleName(self._look.text("wordings"))

    def _make_proposals(self, inside: QVBoxLayout) -> None:
        look = self._look
        inside.addWidget(Label(look, "wordings.proposed", tone="soft", bold=True))
        self._said = QWidget()
        told = row(self._said, theme.S2)
        self._note = Label(look, tone="accent", wrap=True)
        self.undo_button = PushButton(look, "wordings.undo", "link", "arrow-u-up-left")
        self.undo_button.clicked.connect(self.undo_requested)
        told.addWidget(self._note)
        told.addWidget(self.undo_button)
        told.addStretch(1)
        self._said.hide()
        inside.addWidget(self._said)
        card = Card()
        self._list = column(card, 0)
        self._skeleton = Skeleton(look)
        self._waiting = QWidget()
        column(self._waiting, 0, theme.S4).addWidget(self._skeleton)
        self._empty = EmptyState(look)
        self._empty.action_requested.connect(self.retry_requested)
        self._list.addWidget(self._waiting)
        self._list.addWidget(self._empty)
        inside.addWidget(card)

    def _make_own(self, inside: QVBoxLayout) -> None:
        look = self._look
        head = row(None, theme.S2)
        head.addWidget(Label(look, "wordings.own", tone="soft", bold=True))
        head.addStretch(1)
        self._open = PushButton(look, "wordings.open", "quiet", "folder-open")
        self._open.clicked.connect(self.open_table_requested)
        head.addWidget(self._open)
        inside.addLayout(head)
        card = Card()
        own = column(card, 0)
        self.new_pair = NewPair(look)
        self.new_pair.added.connect(self.added)
        own.addWidget(self.new_pair)
        self._own_list = column(None, 0)
        own.addLayout(self._own_list)
        self._more = Label(look, tone="soft", wrap=True)
        self._unread = Label(look, tone="amber", wrap=True)
        for label in (self._more, self._unread):
            label.setContentsMargins(theme.S4, theme.S2, theme.S4, theme.S3)
            own.addWidget(label)
            label.hide()
        inside.addWidget(card)

    def show_loading(self) -> None:
        """Grey lines until the first proposals come."""
        self._waiting.setVisible(not self._proposals)
        self._empty.hide()

    def show_failed(self, message: str) -> None:
        """Why there are no proposals, and a button to try again."""
        self._drop_proposals(())
        self._waiting.hide()
        self._empty.set_content("warning-circle", "wordings.failed", "", "wordings.retry")
        self._empty.set_body(message)
        self._empty.show()

    def set_proposals(self, wordings: Sequence[WordingView], empty: str) -> None:
        """Show these, in this order; what was typed into those that stay is kept.

        `empty`: the key of the sentence that stands where there are none.
        """
        self._waiting.hide()
        here = self._proposals
        kept = {
            one.said: here[one.said]
            for one in wordings
            if one.said in here and here[one.said].wording.policies == one.policies
        }
        self._drop_proposals(tuple(kept))
        self._proposals = {}
        for at, one in enumerate(wordings):
            made = kept.get(one.said)
            if made is None:
                made = ProposalRow(self._look, one)
                made.accepted.connect(self.accepted)
                made.dismissed.connect(self.dismissed)
            self._proposals[one.said] = made
            if self._list.indexOf(made) != at:
                self._list.insertWidget(at, made)
            made.set_first(at == 0)
            made.show()
        self._empty.setVisible(not wordings)
        if not wordings:
            self._empty.set_content("check-circle", "wordings.none", empty)

    def _drop_proposals(self, kept: Sequence[str]) -> None:
        for said in [said for said in self._proposals if said not in kept]:
            _drop(self._proposals.pop(said))
        self._proposals = {said: self._proposals[said] for said in kept}

    def set_own(self, wordings: Sequence[OwnWording], unread: Sequence[int] = ()) -> None:
        """Show the own table, newest at the top; `unread` are lines of the file without effect."""
        shown = list(reversed(wordings))[:MOST_OWN]
        wanted = {(one.said, one.policy): one for one in shown}
        for key in [key for key in self._own if key not in wanted]:
            _drop(self._own.pop(key))
        for at, (key, one) in enumerate(wanted.items()):
            made = self._own.get(key)
            if made is None:
                made = self._own[key] = OwnRow(self._look, one)
                made.changed.connect(
                    lambda said, policy, one=one: self.changed.emit(one, said, policy)
                )
                made.removed.connect(lambda one=one: self.removed.emit(one))
            made.set_in_use(one.in_use)
            if self._own_list.indexOf(made) != at:
                self._own_list.insertWidget(at, made)
            made.show()
        self._more.setVisible(len(wordings) > len(shown))
        self._more.set_key("wordings.more", n=len(wordings) - len(shown))
        self._unread.setVisible(bool(unread))
        self._unread.set_key("wordings.unread", lines=", ".join(map(str, unread[:10])))

    def say(self, key: str, values: Mapping[str, str] = MappingProxyType({})) -> None:
        """Tell what was just done, with a button that undoes it; "" tells nothing any more."""
        self._said.setVisible(bool(key))
        if key:
            self._note.set_key(key, **values)

    def told(self) -> str:
        """What `say` shows, "" if nothing."""
        return "" if self._said.isHidden() else self._note.text()

    def proposal(self, said: str) -> ProposalRow | None:
        """The row of a proposal, while it is shown."""
        return self._proposals.get(said)

    def proposals(self) -> tuple[str, ...]:
        """The proposed wordings that are shown, in order."""
        return tuple(self._proposals)

    def own(self, said: str, policy: str) -> OwnRow | None:
        """The row of a pair of the own table, while it is shown."""
        return self._own.get((said, policy))

    def focus_next(self, said: str) -> None:
        """Put the focus on the proposal after `said`, or where a pair can be added."""
        names = list(self._proposals)
        at = names.index(said) + 1 if said in names else 0
        row_ = self._proposals[names[at]] if at < len(names) else None
        (row_.fields if row_ is not None else self.new_pair.fields).setFocus()


def _drop(widget: QWidget) -> None:
    widget.hide()
    widget.setParent(None)
    widget.deleteLater()
