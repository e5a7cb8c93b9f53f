"""What a company's documents say, and what they call things: their titles and headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import ZuoxiError
from engine.knowledge import catalogue
from engine.knowledge.catalogue import DocumentRow, Layout
from engine.knowledge.documents import read_document
from engine.knowledge.formats.confinement import Confinement
from engine.knowledge.grams import Weights, fold, grams, is_function
from engine.knowledge.passages import passages

_APART = re.compile(r"[^\w\u3400-\u9fff ]+|[与和及或]|\b(?:and|or|of|the|for|to)\b")
_LONGEST_HAN = 6
_MOST_WORDS = 3
_HAN = re.compile(r"[\u3400-\u9fff]")
# Beyond this many characters only the titles are taken, not what stands under them.
_READ = 4_000_000
# How long the slices are by which a sentence is found, and how many of them are enough.
_PROBE_HAN = 6
_PROBE_LATIN = 15
_MOST_PROBES = 40
_LEAST_PROBES = 2


class Place(Struct, frozen=True):
    """A passage's text and the terms in the headings above it, the nearest ones last."""

    terms: tuple[str, ...]
    text: str


class Vocabulary:
    """The words of one version of the knowledge; `terms` are those that it has headings for."""

    def __init__(
        self, weights: Weights, terms: Iterable[str] = (), places: Sequence[Place] = ()
    ) -> None:
        self.weights = weights
        named = {term for place in places for term in place.terms}
        self.terms = frozenset(term for term in {*terms, *named} if weights.says(term))
        self._places = places

    def says(self, wording: str) -> bool:
        """Whether the documents use `wording`, as far as its grams tell."""
        return bool(self.weights.frequency) and self.weights.says(wording)

    def weight(self, wording: str) -> float:
        """How telling `wording` is among these documents: as much as its commonest part."""
        found = grams(wording)
        telling = [gram for gram in found if len(gram) > 1 and not is_function(gram)]
        return min((self.weights.weight(gram) for gram in telling or found), default=0.0)

    def headings(self, sentences: Sequence[str]) -> list[tuple[str, ...]]:
        """For each sentence the terms above the passage that has most of its very words, if any."""
        from ahocorasick_rs import AhoCorasick

        probes: dict[str, list[int]] = {}
        for number, sentence in enumerate(sentences):
            for probe in _probes(sentence):
                probes.setdefault(probe, []).append(number)
        best: list[tuple[int, tuple[str, ...]]] = [(_LEAST_PROBES - 1, ()) for _ in sentences]
        names = list(probes)
        finder = AhoCorasick(names)
        for place in self._places if names else ():
            found = {index for index, _, _ in finder.find_matches_as_indexes(place.text, True)}
            counts = Counter(number for index in found for number in probes[names[index]])
            for number, count in counts.items():
                if count > best[number][0]:
                    best[number] = (count, place.terms)
        return [terms for _, terms in best]


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
    titles = (term for row in rows for term in terms_of(row.title))
    with Confinement() as confinement:
        return Vocabulary(weights, titles, list(_places(layout, rows, confinement)))


def terms_of(heading: str) -> Iterator[str]:
    """The short wordings, folded, that a heading is made of."""
    for part in _APART.split(fold(heading)):
        term = " ".join(part.split()).strip("的")
        short = len(term) <= _LONGEST_HAN if _HAN.search(term) else term.count(" ") < _MOST_WORDS
        if len(term) > 1 and short and not any(char.isdigit() for char in term):
            yield term


def _places(layout: Layout, rows: list[DocumentRow], confinement: Confinement) -> Iterator[Place]:
    room = _READ
    for row in rows:
        room -= row.characters
        if room < 0:
            return
        try:
            document = read_document(layout.copy(row), confinement)
        except ZuoxiError:
            # Whoever searches is told; its title does here.
            continue
        for passage in passages(document):
            if passage.internal:
                continue
            headings = (row.title, *passage.section.split(" › "))
            terms = [term for heading in headings for term in terms_of(heading)]
            yield Place(tuple(dict.fromkeys(terms)), passage.text)


def _probes(sentence: str) -> list[str]:
    """Short slices of a sentence, by which it is found where it was taken from."""
    length = _PROBE_HAN if _HAN.search(sentence) else _PROBE_LATIN
    places = range(0, max(0, len(sentence) - length) + 1, length // 3)
    slices = (sentence[place : place + length] for place in places[:_MOST_PROBES])
    return [one for one in slices if len(one) == length]
