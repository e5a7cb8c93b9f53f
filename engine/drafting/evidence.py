"""Which passages a draft rests on, and which of its sentences none of them carries."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.knowledge.reranking import strength
from engine.records import Evidence, Found, Span

# Knowledge outside its dates is what was asked for when it fits better by this much.
_CLEARLY_BETTER = 0.25
MAX_PASSAGES = 5

_CITATION = re.compile(r"\s?\[\d{1,2}\]")
# The citations behind a sentence are its own.
_CITED = rf"(?:{_CITATION.pattern})*"
_SENTENCE = re.compile(rf"[^。！？!?\n]+(?:[。！？!?]+{_CITED}|\n|$)|[。！？!?]+")
_ENGLISH_SENTENCE = re.compile(rf"[^.!?\n]+(?:[.!?]+(?=\s|$|\[){_CITED}|\n|$)|[.!?]+")
_SUPPORTED = 0.6


def numbered(found: Sequence[Found], most: int = MAX_PASSAGES) -> tuple[Evidence, ...]:
    """The best passages, numbered from 1."""
    return tuple(
        Evidence(
            n=number,
            doc=item.passage.doc,
            title=item.passage.title,
            section=item.passage.section,
            text=item.passage.text,
            score=item.score,
            valid_from=item.passage.valid_from,
            valid_until=item.passage.valid_until,
        )
        for number, item in enumerate(found[:most], start=1)
    )


def outdated(
    found: Sequence[Found], expired: Sequence[Found], answerable: float
) -> tuple[Found, ...]:
    """The passages of `expired` that the question is about, when they answer it and `found` not."""
    best = max(map(strength, found[:3]), default=0.0)
    least = max(answerable, best + _CLEARLY_BETTER) if best >= answerable else answerable
    return tuple(item for item in expired if strength(item) >= least)


def sentences_without_evidence(
    text: str, evidence: Sequence[Evidence], own: Sequence[str]
) -> tuple[Span, ...]:
    """The sentences of a draft that neither the evidence nor the style profile (`own`) carries.

    A sentence is carried when most of its character pairs (words in English) stand in the
    evidence. Questions to the customer claim nothing and need none.
    """
    known = _grams(" ".join(item.text for item in evidence)) | _grams(" ".join(own))
    spans = []
    pattern = _SENTENCE if re.search("[\u3400-\u9fff]", text) else _ENGLISH_SENTENCE
    for match in pattern.finditer(text):
        sentence = _CITATION.sub("", match[0]).replace("*", "").strip()
        grams = _grams(sentence)
        if len(grams) < 4 or sentence.endswith(("?", "？")):
            continue
        if len(grams & known) < _SUPPORTED * len(grams):
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            end = match.start() + len(match[0].rstrip())
            spans.append(Span(start, end, text[start:end]))
    return tuple(spans)


def _grams(text: str) -> set[str]:
    han = re.findall("[\u3400-\u9fff]+", text)
    pairs = {run[i : i + 2] for run in han for i in range(max(1, len(run) - 1))}
    return pairs | {word.lower() for word in re.findall(r"[A-Za-z']{2,}", text)}
