"""Numbers in a draft come from the evidence, the conversation or the style, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Literal

from engine.drafting.quantities import (
    RANGE,
    Quantity,
    digits_of,
    folded_alike,
    is_plain,
    quantities,
    unfinished_from,
)
from engine.records import Evidence, NumberSource, Span

Source = Literal["evidence", "conversation", "style"]

_CITATION = re.compile(r"\[(\d{1,2})(\]|$)")
# Where one number may end and the next begin within a run of digits.
_PARTS = re.compile(rf"{RANGE.pattern}|(?<=[日号])")


class GroundedNumbers:
    """The quantities a draft may contain, gathered from all it may rest on."""

    def __init__(
        self,
        evidence: Sequence[Evidence],
        conversation: Iterable[str],
        style: Iterable[str] = (),
    ) -> None:
        self._citations = {str(item.n) for item in evidence}
        whole = [f"[{n}]" for n in self._citations]
        self.citation_beginnings = frozenset(one[:end] for one in whole for end in range(1, 5))
        """What a citation of the evidence may begin with, and the whole of it."""
        self._sources: dict[tuple[str, str], tuple[Source, int]] = {}
        self._bare: dict[str, tuple[Source, int]] = {}
        self._beginnings: set[str] = set()
        for sentence in style:
            self._learn(sentence, "style", 0)
        for text in conversation:
            self._learn(text, "conversation", 0)
        # Where several hold the same number the best passage is named, so it is learned last.
        for item in reversed(evidence):
            # A heading or a date of validity is knowledge too.
            around = (
                f"{item.title}。{item.section}。{item.valid_from or ''}。{item.valid_until or ''}"
            )
            self._learn(around, "evidence", item.n)
            self._learn(item.text, "evidence", item.n)

    def _learn(self, text: str, source: Source, n: int) -> None:
        for quantity in quantities(text):
            self._sources[quantity.value, quantity.unit] = (source, n)
            self._bare[quantity.value] = (source, n)
            written = folded_alike(text[quantity.start : quantity.end])
            # Of 2026年11月30日, 11月30日 may be said alone.
            for form in (quantity.value, written, written.partition("年")[2]):
                self._beginnings.add(digits_of(form))
            if quantity.unit == "date":
                self._beginnings.update(quantity.value.split("-"))
                if quantity.value.count("-") == 2:
                    short = quantity.value.split("-", 1)[1]
                    self._sources[short, "date"] = (source, n)
                    self._beginnings.add(short.replace("-", ""))

    def source(self, quantity: Quantity) -> tuple[Source, int] | None:
        """Where `quantity` stands (evidence with its number), or None when nowhere."""
        if quantity.unit:
            return self._sources.get((quantity.value, quantity.unit))
        return self._bare.get(quantity.value)

    def violation(self, text: str, *, final: bool) -> Span | None:
        """The first quantity in `text` that stands nowhere.

        With `final` false, a number at the very end that more text may still complete is let
        pass only as long as some allowed number begins like it.
        """
        return self.judge(text, final=final)[0]

    def judge(self, text: str, *, final: bool = False) -> tuple[Span | None, bool]:
        """The `violation`, and whether plain text may still change what the last number is."""
        folded = folded_alike(text)
        open_from = len(text) if final else unfinished_from(folded)
        found = quantities(folded)
        # A plain word behind all numbers becomes one by a digit only (a code, a day of a month).
        is_open = not is_plain(folded[open_from:]) or bool(found and found[-1].end >= open_from)
        return self._violation(text, folded, found, open_from, final=final), is_open

    def _violation(
        self, text: str, folded: str, found: list[Quantity], open_from: int, *, final: bool
    ) -> Span | None:
        for quantity, after in zip_longest(found, found[1:]):
            if quantity.end > open_from:
                if not self._may_grow(folded[open_from:]):
                    return Span(open_from, len(text), text[open_from:])
                continue
            source = self.source(quantity)
            if (
                after
                and after.end > open_from
                and RANGE.fullmatch(folded, quantity.end, after.start)
            ):
                # Of what this range is will be known when its second number is complete.
                source = self._bare.get(quantity.value)
            if source is None and not final and quantity.end == len(text):
                # 一年 may become 一年半.
                source = self._sources.get((f"{quantity.value}.5", quantity.unit))
            if source is None:
                return Span(quantity.start, quantity.end, text[quantity.start : quantity.end])
        for citation in _CITATION.finditer(folded):
            complete = final or citation[2]
            if not any(
                n == citation[1] if complete else n.startswith(citation[1]) for n in self._citations
            ):
                return Span(citation.start(), citation.end(), citation[0])
        return None

    def _may_grow(self, begun: str) -> bool:
        if self._begins(begun):
            return True
        *done, last = _PARTS.split(begun)
        return all(digits_of(part) in self._beginnings for part in done) and self._begins(last)

    def _begins(self, begun: str) -> bool:
        digits = digits_of(begun)
        return not digits or any(form.startswith(digits) for form in self._beginnings)

    def trace(self, text: str) -> tuple[NumberSource, ...]:
        """Every quantity of `text` that has a source, with it."""
        traced = []
        for quantity in quantities(text):
            if found := self.source(quantity):
                start, end = quantity.start, quantity.end
                traced.append(NumberSource(start, end, text[start:end], found[0], found[1]))
        return tuple(traced)

    def unsupported(self, text: str) -> tuple[Span, ...]:
        """Every quantity of the finished `text` that stands nowhere."""
        return tuple(
            Span(item.start, item.end, text[item.start : item.end])
            for item in quantities(text)
            if self.source(item) is None
        )
