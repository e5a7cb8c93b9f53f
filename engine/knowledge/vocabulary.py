"""What a company's documents say, and what they call things: their titles and headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from engine.errors import ZuoxiError
from engine.knowledge import catalogue
from engine.knowledge.catalogue import DocumentRow, Layout
from engine.knowledge.documents import read_document
from engine.knowledge.grams import Weights, fold, grams, is_function
from engine.knowledge.passages import passages

_APART = re.compile(r"[^\w\u3400-\u9fff ]+|[与和及或]|\b(?:and|or|of|the|for|to)\b")
_LONGEST_HAN = 6
_MOST_WORDS = 3
_HAN = re.compile(r"[\u3400-\u9fff]")
# Beyond this many characters only the titles are taken, not the headings within.
_READ = 4_000_000


class Vocabulary:
    """The words of one version of the knowledge; `terms` are those that it has headings for."""

    def __init__(self, weights: Weights, terms: Iterable[str] = ()) -> None:
        self.weights = weights
        self.terms = frozenset(term for term in terms if weights.says(term))

    def says(self, wording: str) -> bool:
        """Whether the documents use `wording`, as far as its grams tell."""
        return bool(self.weights.frequency) and self.weights.says(wording)

    def weight(self, wording: str) -> float:
        """How telling `wording` is among these documents: as much as its commonest part."""
        found = grams(wording)
        telling = [gram for gram in found if len(gram) > 1 and not is_function(gram)]
        return min((self.weights.weight(gram) for gram in telling or found), default=0.0)


def read_vocabulary(folder: Path) -> Vocabulary:
    """The words of the version in use; none when nothing was imported yet.

    Internal documents name nothing that a customer is to be told. Raises `KnowledgeError` when the
    knowledge cannot be read.
    """
    now = catalogue.current(folder)
    if now is None:
        return Vocabulary(Weights(0, {}))
    layout = Layout(folder)
    version = layout.version(now.version)
    try:
        weights = msgspec.json.decode((version / "weights.json").read_bytes(), type=Weights)
    except (OSError, msgspec.DecodeError) as error:
        raise catalogue.corrupt(error) from error
    rows = [row for row in catalogue.read_catalogue(version) if not row.internal]
    return Vocabulary(weights, _terms(layout, rows))


def terms_of(heading: str) -> Iterator[str]:
    """The short wordings, folded, that a heading is made of."""
    for part in _APART.split(fold(heading)):
        term = " ".join(part.split())
        short = len(term) <= _LONGEST_HAN if _HAN.search(term) else term.count(" ") < _MOST_WORDS
        if len(term) > 1 and short and not any(char.isdigit() for char in term):
            yield term


def _terms(layout: Layout, rows: list[DocumentRow]) -> Iterator[str]:
    room = _READ
    for row in rows:
        yield from terms_of(row.title)
        room -= row.characters
        if room < 0:
            continue
        try:
            document = read_document(layout.copy(row))
        except ZuoxiError:
            # Whoever searches is told; its title does here.
            continue
        for passage in passages(document):
            for heading in passage.section.split(" › "):
                yield from terms_of(heading)
