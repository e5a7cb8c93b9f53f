"""Proposals for the operator's table of wordings: what customers say and no policy does, with what
the policies call it, as far as the answers that were sent tell."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from engine.knowledge.grams import fold, grams, is_function
from engine.knowledge.sentences import split_sentences
from engine.knowledge.synonyms import Synonyms, synonyms_of
from engine.knowledge.vocabulary import Vocabulary, read_vocabulary, terms_of
from engine.knowledge.weighing import Scale
from engine.learning.missed_words import is_common, missed_words
from engine.learning.personal import without_personal
from engine.store.rows import MissedQuestion
from engine.store.store import Store

MOST = 50
_POLICIES = 3
_EXAMPLES = 2
_EXAMPLE_LENGTH = 80
_READ = 1000
# Of a long text the beginning: what is asked, and what was answered, in so many characters.
_LONGEST_QUESTION = 300
_LONGEST_ANSWER = 1000
# A wording that was met a month ago weighs half of one that was met today.
_HALF_LIFE = 30 * 86400.0
_UNANSWERED = 0.6
# What one customer said may be anything; what two said is a wording.
_ALONE = 0.3
# What a heading names is what its section is about; an answer's other words may be about anything.
_IN_HEADING, _NAMED, _SAID = 2.0, 2.0, 0.7
# 运费 and 邮寄费 share what they are.
_ALIKE = 1.5
_FROM_PASSAGE = 0.6
_LEAST_OF_BEST = 0.35
_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
_LATIN = re.compile(r"[a-z][a-z'’-]{2,}")
_MOST_SAID = 4


class Proposal(Struct, frozen=True):
    """A wording customers use and no policy does. `policies`: what it may be called there, the
    likeliest first; empty where nothing tells.

    `count` is in how many conversations it stood, `last_at` (epoch seconds) when it last did;
    `examples` are questions without what is personal in them.
    """

    said: str
    policies: tuple[str, ...]
    count: int
    last_at: float
    examples: tuple[str, ...] = ()


class Observed(Struct, frozen=True):
    """What the store knows of missed questions, and which wordings are not to be proposed."""

    questions: tuple[MissedQuestion, ...] = ()
    dismissed: frozenset[str] = frozenset()


def observe(store: Store) -> Observed:
    """Read from the store all that proposals are made of."""
    questions = store.missed.questions()[:_READ]
    return Observed(tuple(questions), frozenset(map(fold, store.missed.dismissed())))


def propose_for(knowledge: Path, observed: Observed, *, now: float | None = None) -> list[Proposal]:
    """The proposals for the company whose knowledge lies in `knowledge`. Raises `KnowledgeError`.

    Without knowledge there is nothing that a wording could stand for, and nothing is proposed.
    """
    if not observed.questions:
        return []
    table, _ = synonyms_of(knowledge)
    return propose(observed, read_vocabulary(knowledge), table, now=now)


def propose(
    observed: Observed, vocabulary: Vocabulary, synonyms: Synonyms, *, now: float | None = None
) -> list[Proposal]:
    """At most `MOST` proposals: first what was met often and lately."""
    if not vocabulary.weights.frequency:
        return []
    moment = time.time() if now is None else now
    questions = observed.questions
    texts = [without_personal(one.question[:_LONGEST_QUESTION], one.customer) for one in questions]
    askers = [one.conversation for one in questions]
    found = missed_words(texts, askers, vocabulary, synonyms)
    answers = _Answers(questions, vocabulary, synonyms)
    ranked: list[tuple[float, Proposal]] = []
    for said, numbers in found.items():
        if said in observed.dismissed or is_common(said):
            continue
        newest = _newest_of_each(numbers, questions)
        policies = answers.policies(said, numbers)
        weight = sum(0.5 ** (max(0.0, moment - at) / _HALF_LIFE) for at in newest.values())
        examples = [_example(texts[number], said) for number in numbers]
        proposal = Proposal(
            said=said,
            policies=policies,
            count=len(newest),
            last_at=max(newest.values()),
            examples=tuple(list(dict.fromkeys(examples))[:_EXAMPLES]),
        )
        weight *= 1.0 if policies else _UNANSWERED
        ranked.append((weight * (1.0 if len(newest) > 1 else _ALONE), proposal))
    ranked.sort(key=lambda item: (-item[0], -item[1].last_at, item[1].said))
    return [proposal for _, proposal in ranked[:MOST]]


class _Answers:
    """What the answers to missed questions call things, and how often each word is in them."""

    def __init__(
        self,
        questions: Sequence[MissedQuestion],
        vocabulary: Vocabulary,
        synonyms: Synonyms,
    ) -> None:
        from ahocorasick_rs import AhoCorasick, MatchKind

        self._vocabulary = vocabulary
        self._scale = Scale(vocabulary.weights)
        named = {one for one in synonyms.policies() if vocabulary.says(one)}
        self._names = sorted(vocabulary.terms | named)
        self._finder = AhoCorasick(self._names, matchkind=MatchKind.LeftmostLongest)
        sentences = [list(_new_sentences(one)) for one in questions]
        headings = iter(vocabulary.headings([one for each in sentences for one in each]))
        self._words = [
            self._of(one, [(sentence, next(headings)) for sentence in each])
            for one, each in zip(questions, sentences, strict=True)
        ]
        self._asked = [fold(one.question[:_LONGEST_QUESTION]) for one in questions]
        self._everywhere = Counter(word for words in self._words for word in words)

    def policies(self, said: str, numbers: Collection[int]) -> tuple[str, ...]:
        """What `said`, which stands in those questions, may be called; the likeliest first."""
        scores: dict[str, float] = defaultdict(float)
        together: Counter[str] = Counter()
        for number in numbers:
            for word, weight in self._words[number].items():
                # What the customer said as well was searched for already.
                if word not in self._asked[number] and word != said:
                    scores[word] += weight
                    together[word] += 1
        for word in scores:
            # An answer's word that is in every answer stands for nothing.
            own = together[word] / self._everywhere[word]
            often = together[word] / len(numbers)
            alike = _ALIKE if _shares_a_character(said, word) else 1.0
            scores[word] *= self._vocabulary.weight(word) * (1 + own) * (1 + often) * alike
        best = sorted(scores, key=lambda word: (-scores[word], word))[:_POLICIES]
        least = _LEAST_OF_BEST * scores[best[0]] if best else 0.0
        return tuple(word for word in best if scores[word] >= least)

    def _of(
        self, one: MissedQuestion, sentences: Sequence[tuple[str, tuple[str, ...]]]
    ) -> dict[str, float]:
        """The words of policies in an answer, each with how much it counts."""
        words: dict[str, float] = {}
        for sentence, headings in sentences:
            folded = fold(without_personal(sentence, one.customer))
            named = self._named(folded)
            for word in named:
                words[word] = max(words.get(word, 0.0), _NAMED)
            above = {*self._headings(one, folded), *filter(self._vocabulary.says, headings)}
            for word in above:
                words[word] = words.get(word, 0.0) + _IN_HEADING
            if not named and not above:
                for word in self._said(folded):
                    words.setdefault(word, _SAID)
        return words

    def _named(self, sentence: str) -> set[str]:
        found = self._finder.find_matches_as_indexes(sentence)
        return {self._names[index] for index, start, end in found if _whole(sentence, start, end)}

    def _headings(self, one: MissedQuestion, sentence: str) -> Iterator[str]:
        """The headings of the passages that a sentence was taken from."""
        said = [self._scale.weigh(grams(sentence))]
        for evidence in one.evidence:
            passage = self._scale.weigh(grams(evidence.text))
            if self._scale.coverage(said, passage) >= _FROM_PASSAGE:
                for heading in (evidence.title, *evidence.section.split(" › ")):
                    yield from (term for term in terms_of(heading) if self._vocabulary.says(term))

    def _said(self, sentence: str) -> Iterator[str]:
        """Words that the knowledge uses, where none of them is known to be one."""
        for run in _HAN_RUN.findall(sentence):
            for piece in re.split("|".join(map(re.escape, _breaks(run))) or "$^", run):
                fits = 2 <= len(piece) <= _MOST_SAID
                if fits and self._vocabulary.says(piece) and not is_common(piece):
                    yield piece
        for word in _LATIN.findall(sentence):
            if not is_function(word) and not is_common(word) and self._vocabulary.says(word):
                yield word


def _new_sentences(one: MissedQuestion) -> Iterator[str]:
    """The sentences of what was sent that the draft had not said."""
    drafted = fold(one.drafted)
    answer = one.answer[:_LONGEST_ANSWER]
    for span in split_sentences(answer):
        sentence = fold(span.text).strip()
        if sentence and sentence.rstrip("。.!！~ ") not in drafted:
            yield span.text.strip()


def _breaks(run: str) -> list[str]:
    return sorted({character for character in run if is_function(character)})


def _newest_of_each(
    numbers: Collection[int], questions: Sequence[MissedQuestion]
) -> dict[str, float]:
    """When each conversation last had one of those questions."""
    newest: dict[str, float] = {}
    for number in numbers:
        one = questions[number]
        newest[one.conversation] = max(one.at, newest.get(one.conversation, one.at))
    return newest


def _example(question: str, said: str) -> str:
    """The question on one line; of a long one the part around `said`."""
    line = " ".join(question.split())
    if len(line) <= _EXAMPLE_LENGTH:
        return line
    place = max(0, line.lower().find(said))
    start = max(0, min(place - _EXAMPLE_LENGTH // 2, len(line) - _EXAMPLE_LENGTH))
    end = start + _EXAMPLE_LENGTH
    return f"{'…' if start else ''}{line[start:end]}{'…' if end < len(line) else ''}"


def _shares_a_character(one: str, other: str) -> bool:
    return any(
        character in other for character in one if _HAN_RUN.match(character)
    ) and not is_function(one)


def _whole(sentence: str, start: int, end: int) -> bool:
    """Whether a word in Latin letters is not part of a longer one."""
    before, after = sentence[max(0, start - 1) : start + 1], sentence[end - 1 : end + 1]
    return not any(len(two) == 2 and two.isascii() and two.isalnum() for two in (before, after))
