"""The text of a draft cut into runs: bold, citations, numbers, unsupported sentences, hits."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from PySide6.QtGui import QTextCharFormat

from desktop.theme import Look
from desktop.widgets.bubble_layout import hit_format
from desktop.widgets.text_panel import Run, TextPanel
from engine.records import Draft, Hit, NumberSource, Span

# Bold is exactly two stars: more of them hide something (138****8000).
_MARK = re.compile(r"(?<!\*)\*\*(?!\*)|\[(\d{1,2})\]")
CARET = "▍"
JOINER = "\u2060"
"""Keeps a citation on the line of the word before it; never copied."""


class Piece(NamedTuple):
    """``text[start:end]`` of a draft with everything that holds for all of it."""

    start: int
    end: int
    bold: bool = False
    cite: int = 0
    number: int = -1
    unsupported: bool = False
    hit: int = -1


@dataclass(frozen=True)
class Marks:
    """What is known about the stretches of a draft's text."""

    numbers: tuple[NumberSource, ...] = ()
    unsupported: tuple[Span, ...] = ()
    hits: tuple[Hit, ...] = ()

    @classmethod
    def of(cls, draft: Draft) -> Marks:
        """The marks of a finished draft."""
        return cls(draft.numbers, draft.unsupported, own_hits(draft))


def own_hits(draft: Draft) -> tuple[Hit, ...]:
    """The hits in the draft's own text; those on the customer's side are in the message's."""
    return tuple(hit for hit in draft.hits if hit.side != "customer")


def pieces(text: str, cited: Collection[int], marks: Marks, streaming: bool = False) -> list[Piece]:
    """Cut `text`; ``**`` are left out, ``[n]`` is a citation where evidence `n` exists.

    A ``**`` without its partner stays as it is, but while `streaming` it makes the rest bold.
    """
    bold: list[tuple[int, int]] = []
    hidden: set[int] = set()
    cites: list[tuple[int, int, int]] = []
    opened = -1
    for match in _MARK.finditer(text):
        if match[1]:
            if int(match[1]) in cited:
                cites.append((match.start(), match.end(), int(match[1])))
        elif opened < 0:
            opened = match.start()
        else:
            bold.append((opened, match.end()))
            hidden |= {opened, opened + 1, match.start(), match.start() + 1}
            opened = -1
    if opened >= 0 and streaming:
        bold.append((opened, len(text)))
        hidden |= {opened, opened + 1}
    edges = {0, len(text), *hidden, *(at + 1 for at in hidden)}
    for start, end in bold:
        edges |= {start, end}
    for start, end, _ in cites:
        edges |= {start, end}
    for spans in (marks.numbers, marks.unsupported, marks.hits):
        edges |= {edge for span in spans for edge in (span.start, span.end)}
    cuts = sorted(edge for edge in edges if 0 <= edge <= len(text))
    made = []
    for start, end in pairwise(cuts):
        if start in hidden:
            continue
        made.append(
            Piece(
                start,
                end,
                bold=any(left <= start < right for left, right in bold),
                cite=next((n for left, right, n in cites if left <= start < right), 0),
                number=_covering(marks.numbers, start),
                unsupported=_covering(marks.unsupported, start) >= 0,
                hit=_covering(marks.hits, start),
            )
        )
    return made


def _covering(spans: Sequence[NumberSource | Span | Hit], at: int) -> int:
    return next((i for i, span in enumerate(spans) if span.start <= at < span.end), -1)


def runs(
    panel: TextPanel,
    look: Look,
    text: str,
    cited: Collection[int],
    marks: Marks,
    streaming: bool = False,
) -> list[Run]:
    """The runs of a draft for `panel`; targets are ``cite:3``, ``number:0`` and ``hit:1``."""
    made = []
    for piece in pieces(text, cited, marks, streaming):
        shown = text[piece.start : piece.end]
        style = panel.plain_format(bold=piece.bold)
        target = tip = ""
        if piece.unsupported:
            style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            style.setUnderlineColor(look.color("amber_text"))
        if piece.number >= 0:
            style.setForeground(look.color("accent_text"))
            style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
            style.setUnderlineColor(look.color("accent_text"))
            target = f"number:{piece.number}"
        if piece.hit >= 0:
            hit = marks.hits[piece.hit]
            style.merge(hit_format(look, hit))
            target = f"hit:{piece.hit}"
            tip = "\n".join(filter(None, (hit.name or hit.rule, hit.why, hit.advice)))
        if piece.cite:
            style = panel.plain_format("accent_text", bold=True)
            style.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignSuperScript)
            target = f"cite:{piece.cite}"
            shown = f"{JOINER}{shown}{JOINER}"
        made.append(Run(shown, style, target, tip))
    if streaming:
        made.append(Run(CARET, panel.plain_format("accent")))
    return made
