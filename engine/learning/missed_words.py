"""Which wordings of customers' questions the knowledge does not know, and in which questions.

A question is cut where the knowledge, the table of synonyms or everybody's language knows a word.
Of what is left over, what stands in several questions comes first, the longer before the shorter;
of one question alone only what stands by itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from itertools import groupby

from msgspec import Struct

from engine import paths
from engine.knowledge.grams import fold, grams, is_function
from engine.knowledge.synonyms import Synonyms
from engine.knowledge.vocabulary import Vocabulary
from engine.learning.personal import may_be_a_name

_RUN = re.compile(r"[\u3400-\u9fff]+|[a-z][a-z'’]*(?: +[a-z][a-z'’]*)*")
_HAN = re.compile(r"[\u3400-\u9fff]")
# These, and numbers, never belong to a wording; other words of grammar do where several people say
# so.
_BREAKS = frozenset(
    "的了吗呢吧啊呀哦嗯哈嘛么啦我你您他她它们咱俺这那哪啥谁怎咋请问和及或而但且也都就还又再很太更最"
    "把被跟与其是一二三四五六七八九十两几百千万元块"
)
_MOST_HAN = 6
_MOST_HAN_ALONE = 4
_MOST_ALONE = 2
# With these few words begin or end; where nobody else says it, they belong to what is beside.
_SELDOM_FIRST = frozenset(
    "子儿们处层只件张台间位次回趟遍番月日号边面里外中后前去来到走再先又真多先全总刚"
)
_SELDOM_LAST = frozenset("去来到走看找弄搞做用加变抢扣叫多先真来回似")
_MOST_WORDS = 3
_SHORTEST_WORD = 3


class _Stretch(Struct):
    """A stretch of a question that nobody knows: characters or words, and which are used up."""

    question: int
    units: list[str]
    used: list[bool]

    @property
    def han(self) -> bool:
        return bool(_HAN.match(self.units[0]))

    def words(self, start: int, end: int) -> str:
        return ("" if self.han else " ").join(self.units[start:end])


def missed_words(
    questions: Sequence[str],
    askers: Sequence[str],
    vocabulary: Vocabulary,
    synonyms: Synonyms,
) -> dict[str, list[int]]:
    """Wordings, folded, with the numbers of the questions they stand in.

    `questions` are short and hold nothing personal any more; `askers` says for each whose it is:
    what one person says twice is said once.
    """
    stretches = [
        stretch
        for number, question in enumerate(questions)
        for stretch in _stretches(number, fold(question), vocabulary, synonyms)
    ]
    found: dict[str, list[int]] = {}
    for wording, places in _repeated(stretches, askers):
        free = [
            (stretch, start, end)
            for stretch, start, end in places
            if not any(stretch.used[start:end])
        ]
        if len({askers[stretch.question] for stretch, _, _ in free}) < 2:
            continue
        for stretch, start, end in free:
            stretch.used[start:end] = [True] * (end - start)
        found[wording] = sorted({stretch.question for stretch, _, _ in free})
    for number, several in groupby(stretches, lambda stretch: stretch.question):
        for wording in _alone_of(several, vocabulary):
            found.setdefault(wording, []).append(number)
    return {wording: sorted(set(numbers)) for wording, numbers in found.items()}


def _stretches(
    number: int, question: str, vocabulary: Vocabulary, synonyms: Synonyms
) -> Iterator[_Stretch]:
    known = [False] * len(question)
    for span in _common().finditer(question):
        known[span.start() : span.end()] = [True] * len(span[0])
    for wording in synonyms.find(question):
        # A wording whose policy the company does not have is no help.
        if any(map(vocabulary.says, wording.policies)):
            known[wording.start : wording.end] = [True] * (wording.end - wording.start)
    for run in _RUN.finditer(question):
        if _HAN.match(run[0]):
            yield from _of_characters(number, question, run.start(), run.end(), known, vocabulary)
        else:
            yield from _of_words(number, run[0], known[run.start() : run.end()], vocabulary)


def _of_characters(
    number: int, question: str, start: int, end: int, known: list[bool], vocabulary: Vocabulary
) -> Iterator[_Stretch]:
    here = known[start:end]
    text = question[start:end]
    for place in range(len(text) - 1):
        pair = text[place : place + 2]
        if pair in vocabulary.weights.frequency and not any(map(is_function, pair)):
            here[place] = here[place + 1] = True
    units: list[str] = []
    for character, is_known in zip(text, here, strict=True):
        if is_known or character in _BREAKS:
            if len(units) > 1:
                yield _Stretch(number, units, [False] * len(units))
            units = []
        else:
            units.append(character)
    if len(units) > 1:
        yield _Stretch(number, units, [False] * len(units))


def _of_words(
    number: int, run: str, known: list[bool], vocabulary: Vocabulary
) -> Iterator[_Stretch]:
    units: list[str] = []
    for word in re.finditer(r"\S+", run):
        told = known[word.start()] or is_function(word[0]) or len(word[0]) < _SHORTEST_WORD
        if told or any(gram in vocabulary.weights.frequency for gram in grams(word[0])):
            if units:
                yield _Stretch(number, units, [False] * len(units))
            units = []
        else:
            units.append(word[0])
    if units:
        yield _Stretch(number, units, [False] * len(units))


def _repeated(
    stretches: Collection[_Stretch], askers: Sequence[str]
) -> list[tuple[str, list[tuple[_Stretch, int, int]]]]:
    """What several people say, with its places: first what is said most, and says most."""
    places: dict[str, list[tuple[_Stretch, int, int]]] = defaultdict(list)
    for stretch in stretches:
        least, most = (2, _MOST_HAN) if stretch.han else (1, _MOST_WORDS)
        for start in range(len(stretch.units)):
            for end in range(start + least, min(start + most, len(stretch.units)) + 1):
                ends = (stretch.units[start], stretch.units[end - 1])
                if not any(map(is_function, ends)):
                    places[stretch.words(start, end)].append((stretch, start, end))
    several = {
        wording: found
        for wording, found in places.items()
        if len(found) > 1 and len({askers[one.question] for one, _, _ in found}) > 1
    }

    def worth(item: tuple[str, list[tuple[_Stretch, int, int]]]) -> tuple[float, str]:
        wording, found = item
        stretch, start, end = found[0]
        length = end - start - (0.5 if stretch.han else 0.25)
        return -len({askers[one.question] for one, _, _ in found}) * length, wording

    return sorted(several.items(), key=worth)


def _alone_of(stretches: Iterable[_Stretch], vocabulary: Vocabulary) -> list[str]:
    """What one question says and no other: of many pieces those that are likeliest to be words."""
    frequency = vocabulary.weights.frequency

    def strangeness(wording: str) -> tuple[float, int]:
        # What is written with characters that the documents never use is no piece of their words.
        strange = [character not in frequency for character in wording]
        return sum(strange) / len(strange), len(wording)

    wordings = {
        stretch.words(start, end) for stretch in stretches for start, end in _alone(stretch)
    }
    likely = sorted((one for one in wordings if not may_be_a_name(one)), key=lambda one: one)
    return sorted(likely, key=strangeness, reverse=True)[:_MOST_ALONE]


def _alone(stretch: _Stretch) -> Iterator[tuple[int, int]]:
    """What is left of a stretch and stands by itself between words of grammar."""
    start = 0
    used = any(stretch.used)
    units = stretch.units
    for place in range(len(units) + 1):
        ends = place == len(units) or stretch.used[place]
        if not ends and not is_function(units[place]):
            continue
        # Beside what was taken out of it, a short rest is seldom a word.
        least = 1 if not stretch.han else 3 if used else 2
        if place - start >= least:
            first, last = start, place
            while stretch.han and first < last and units[first] in _SELDOM_FIRST:
                first += 1
            while stretch.han and first < last and units[last - 1] in _SELDOM_LAST:
                last -= 1
            if least <= last - first <= (_MOST_HAN_ALONE if stretch.han else _MOST_WORDS):
                yield first, last
        start = place + 1


@cache
def _common() -> re.Pattern[str]:
    """Finds what everybody says."""
    lines = paths.COMMON_WORDS.read_text("utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    han = sorted((fold(word) for word in words if not word.isascii()), key=len, reverse=True)
    latin = sorted(word for word in words if word.isascii())
    return re.compile(rf"{'|'.join(map(re.escape, han))}|\b(?:{'|'.join(latin)})\b")


def is_common(wording: str) -> bool:
    """Whether everybody says `wording`, which is folded, whatever they ask about."""
    return bool(_common().fullmatch(wording))
