"""One line that says what was checked: numbers, sentences, red lines."""

from __future__ import annotations

from desktop import theme
from desktop.theme import Look
from desktop.widgets.blocks import Card, Dressed, IconLabel, Label
from desktop.widgets.boxes import row
from desktop.widgets.draft_text import own_hits
from engine.records import Draft


class GroundingLine(Dressed, Card):
    """Every amount and date has a source ✓ 3/3 · red line ✓; hidden without a draft."""

    def __init__(self, look: Look) -> None:
        super().__init__("card")
        self._look = look
        self._draft: Draft | None = None
        self._numbers = Label(look, tone="soft")
        self._number_icon = IconLabel(look, "check", "accent_text")
        self._count = Label(look, tone="accent", bold=True)
        self._red = Label(look, tone="soft")
        self._red_icon = IconLabel(look, "check", "accent_text")
        layout = row(self, theme.S2)
        layout.setContentsMargins(theme.S4, theme.S2, theme.S4, theme.S2)
        layout.addWidget(self._number_icon)
        layout.addWidget(self._numbers)
        layout.addWidget(self._count)
        layout.addStretch(1)
        layout.addWidget(self._red_icon)
        layout.addWidget(self._red)
        self.setMinimumHeight(theme.CONTROL + theme.S2)
        self.hide()

    def set_draft(self, draft: Draft | None) -> None:
        """Judge `draft`; None, or one without text, hides the line."""
        self._draft = draft if draft and draft.text else None
        self.setVisible(self._draft is not None)
        self._dress()

    def _dress(self) -> None:
        draft = self._draft
        if draft is None:
            return
        total = len(draft.numbers)
        unsupported, hits = len(draft.unsupported), len(own_hits(draft))
        if unsupported:
            self._numbers.set_key("grounding.unsupported", n=unsupported)
        else:
            self._numbers.set_key("grounding.numbers" if total else "grounding.none")
        self._numbers.set_tone("amber" if unsupported else "soft")
        icon = ("warning", "amber_text") if unsupported else ("check-circle", "accent_text")
        self._number_icon.set_icon(*icon)
        self._count.setVisible(bool(total))
        self._count.set_text(f"{total}/{total}")
        self._red.set_tone("red" if hits else "soft")
        if hits:
            self._red.set_key("grounding.hits", n=hits)
        else:
            self._red.set_key("grounding.redline")
        self._red_icon.set_icon(
            *(("prohibit", "red_text") if hits else ("shield-check", "accent_text"))
        )
        parts = (self._numbers.text(), self._count.text() if total else "", self._red.text())
        self.setAccessibleName(" · ".join(part for part in parts if part))
