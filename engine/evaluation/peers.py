"""What drafts are judged beside: an old keyword bot, and BM25 that sends its best section.

Both see what a draft may rest on: the documents that are in force on the day and not internal, cut
into their sections. Each is run in several forms, so that none of our choices makes it weak. They
differ in what they take for a word: no dictionary is at hand that Chinese could be split into words
by, so a Chinese "word" is

``words``    a single Chinese character, as ICU and Lucene's standard analyser leave it,
``bigrams``  two neighbouring Chinese characters, which most Chinese words are;

in both a run of Latin letters and digits is one word, without an English plural's ending. Words of
grammar and politeness count for neither (the list is the search's own). And they differ in what
they read: the keyword bot the customer's newest message, as such bots do; BM25 that, or all that
the customer has written (``_customer``), or the whole conversation (``_whole``).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from engine.evaluation.cases import Case, Outcome, cut
from engine.knowledge.documents import Document
from engine.knowledge.grams import grams, is_function
from engine.knowledge.passages import passages

Form = Literal["words", "bigrams"]
FORMS: tuple[Form, ...] = ("words", "bigrams")
Reading = Literal["newest", "customer", "whole"]
READINGS: dict[str, tuple[Reading, ...]] = {
    "keyword": ("newest",),
    "bm25": ("newest", "customer", "whole"),
}
"""The peers, and what each of them reads."""

# The customary constants of BM25.
_K1 = 1.5
_B = 0.75
_RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[^\W_\u3400-\u9fff]+")
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


class Section(Struct, frozen=True):
    """A section of a document, whole. `heading` is its own, `title` the document's."""

    doc: str
    title: str
    heading: str
    text: str


def sections(documents: Iterable[Document], day: str) -> tuple[Section, ...]:
    """The sections that may be quoted on `day` (ISO date), in the order of the documents."""
    whole: dict[tuple[str, str, str], list[str]] = {}
    for document in documents:
        begun = document.valid_from is None or document.valid_from <= day
        over = document.valid_until is not None and document.valid_until < day
        if document.internal or over or not begun:
            continue
        for passage in passages(document):
            key = (passage.doc, passage.title, passage.section)
            whole.setdefault(key, []).append(passage.text)
    return tuple(Section(*key, "\n".join(texts)) for key, texts in whole.items())


def words(text: str, form: Form) -> list[str]:
    """The words of `text`, with repetitions, without those of grammar."""
    found: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text)):
        if not _HAN.match(run):
            found.extend(grams(run))
        elif form == "words" or len(run) == 1:
            found.extend(run)
        else:
            found.extend(one + other for one, other in pairwise(run))
    return [word for word in found if not is_function(word)]


def form_name(form: Form, reading: Reading) -> str:
    """What that form of a peer is called."""
    return form if reading == "newest" else f"{form}_{reading}"


def forms_of(name: str) -> tuple[str, ...]:
    """The forms of the peer `name`."""
    return tuple(form_name(form, reading) for reading in READINGS[name] for form in FORMS)


def question(case: Case, reading: Reading) -> str:
    """What of `case` a peer with that `reading` answers to."""
    if reading == "newest":
        return case.question
    return "\n".join(
        turn.text for turn in case.turns if reading == "whole" or turn.role == "customer"
    )


class KeywordBot:
    """One canned answer a section, given when words of its title stand in the question.

    The section whose title (the document's and its own) shares most different words with the
    question answers; of equals the one with the fewest other words in its title, then the first. A
    word of the section's own heading counts twice. None shared: it says that it does not know.
    """

    def __init__(self, sections: Sequence[Section], form: Form) -> None:
        self._sections = sections
        self._form = form
        self._titles = [
            (set(words(one.title, form)), set(words(one.heading, form))) for one in sections
        ]

    def answer(self, question: str) -> Outcome:
        """What it replies."""
        asked = set(words(question, self._form))
        best, most = None, (0, 0)
        for section, (title, heading) in zip(self._sections, self._titles, strict=True):
            shared = len(asked & (title | heading)) + len(asked & heading)
            rank = (shared, -len(title | heading))
            if shared and (best is None or rank > most):
                best, most = section, rank
        return Outcome("abstained") if best is None else Outcome("drafted", cut(best.text))


class BestSection:
    """BM25 over titles and texts of the sections; its reply is the best one, verbatim."""

    def __init__(self, sections: Sequence[Section], form: Form) -> None:
        self._sections = sections
        self._form = form
        self._counts = [
            Counter(words(f"{one.title}\n{one.heading}\n{one.text}", form)) for one in sections
        ]
        self._lengths = [sum(count.values()) for count in self._counts]
        self._mean = sum(self._lengths) / max(1, len(sections)) or 1.0
        self._seen = Counter(word for count in self._counts for word in count)

    def scores(self, question: str) -> list[float]:
        """How well each section fits, in the order given; 0 where no word is shared."""
        asked = words(question, self._form)
        return [
            sum(self._gain(word, count[word], length) for word in asked if word in count)
            for count, length in zip(self._counts, self._lengths, strict=True)
        ]

    def best(self, question: str, k: int) -> list[Section]:
        """The `k` best sections that share a word with `question`, best first."""
        scores = self.scores(question)
        order = sorted(range(len(scores)), key=lambda place: -scores[place])
        return [self._sections[place] for place in order[:k] if scores[place] > 0]

    def answer(self, question: str) -> Outcome:
        """What it replies: the best section, or that it does not know."""
        best = self.best(question, 1)
        return Outcome("drafted", cut(best[0].text)) if best else Outcome("abstained")

    def _gain(self, word: str, times: int, length: int) -> float:
        seen = self._seen[word]
        idf = math.log(1 + (len(self._sections) - seen + 0.5) / (seen + 0.5))
        return idf * times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * length / self._mean))
