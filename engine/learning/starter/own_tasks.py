"""Tuning samples from our own corpus: a question, its passages among others, the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from msgspec import Struct

from engine.learning.starter.chat import Sample, SampleMaker
from engine.learning.starter.corpus import (
    Policy,
    Question,
    Trade,
    draw_values,
    fill,
    fill_answer,
    holder,
)
from engine.learning.starter.pairs import query_of
from engine.learning.starter.retrieval import FullText
from engine.records import Evidence, Language, Turn

VERBATIM_SHARE = 0.8
"""Share of answers that quote whole sentences; the rest are worded freely."""
ABSTAIN_SHARE = 0.04
MOST_PASSAGES = 5
RANKED_SHARE = 0.7
"""Share of prompts whose passages are those that full text finds, best first, as in the app; in
the others they are in any order, so that their place is not all that is looked at."""
_NO_ANSWER = {
    "zh": "抱歉，这个问题在现有资料里没有查到，我请同事核实后再回复您。",
    "en": "Sorry, I could not find this in our policies; a colleague will check and reply to you.",
}


class Case(Struct, frozen=True):
    """A question with its slots filled: what the prompt shows and both forms of the answer.

    `quoted` holds the sentences to quote, best first, each with its evidence number; `later`
    other questions that the same evidence answers, with the pieces of their verbatim answers.
    """

    turns: tuple[Turn, ...]
    evidence: tuple[Evidence, ...]
    quoted: tuple[tuple[str, int], ...]
    answer: str
    language: Language
    later: tuple[tuple[str, list[str]], ...] = ()


class OwnTasks:
    """Makes samples from trades; the same `Random` makes the same samples."""

    def __init__(self, trades: Sequence[Trade], maker: SampleMaker) -> None:
        self._maker = maker
        self._answerable = [
            (trade, question)
            for trade in trades
            for question in trade.questions
            if question.policies and question.sentences
        ]
        self._rankings = {
            question.id: ranking
            for trade in trades
            for question, ranking in zip(trade.questions, rankings(trade), strict=True)
        }
        self._unanswerable = [
            (trade, question)
            for trade in trades
            for question in trade.questions
            if question.kind == "abstain"
        ]

    def sample(self, random: Random) -> Sample:
        """One sample; only the answer counts in the loss."""
        if self._unanswerable and random.random() < ABSTAIN_SHARE:
            trade, question = random.choice(self._unanswerable)
            case = self._case(trade, question, random)
            answer: Sequence[str] = [_NO_ANSWER[case.language]]
        else:
            trade, question = random.choice(self._answerable)
            case = self._case(trade, question, random)
            free = case.answer and random.random() > VERBATIM_SHARE
            answer = [case.answer] if free else quotation(case)
        return self._maker.grounded(
            case.turns,
            case.evidence,
            answer,
            case.language,
            random,
            later=case.later,
            text_weight=0.0,
        )

    def _case(self, trade: Trade, question: Question, random: Random) -> Case:
        ranked = random.random() < RANKED_SHARE
        return make_case(trade, question, random, self._rankings[question.id] if ranked else None)


def rankings(trade: Trade) -> list[list[str]]:
    """For every question the ids of all policies, as full text ranks them."""
    names = list(trade.policies)
    full_text = FullText(
        [f"{p.title} {p.section} {p.text}" for p in trade.policies.values()] or [""]
    )
    ranked = []
    for question in trade.questions:
        scores = full_text.scores(query_of(question))
        ranked.append([names[place] for place in (-scores).argsort(kind="stable")] if names else [])
    return ranked


def quotation(case: Case) -> list[str]:
    """The verbatim answer in the pieces that verbatim mode decodes: sentence and citation."""
    return _pieces(case.quoted, case.language)


def _pieces(quoted: Sequence[tuple[str, int]], language: Language) -> list[str]:
    gap = " " if language == "en" else ""
    return [f"{sentence}[{n}]{gap}" for sentence, n in quoted]


def make_case(
    trade: Trade, question: Question, random: Random, ranking: Sequence[str] | None = None
) -> Case:
    """Fills the slots of `question` and its passages anew, among others of the same company.

    With `ranking` (policies, best first) the others are its first and all stand in its order.
    """
    language: Language = "en" if trade.english else "zh"
    if ranking is None:
        chosen = _passages(trade, question, random)
    else:
        chosen = _ranked(trade, question, ranking)
    values = {policy.id: draw_values(policy, random, shuffle_digits=0.4) for policy in chosen}
    numbers = {policy.id: number for number, policy in enumerate(chosen, 1)}
    everything = {slot: value for name in question.policies for slot, value in values[name].items()}
    evidence = tuple(
        Evidence(
            n=numbers[policy.id],
            doc=policy.doc,
            title=policy.title,
            section=policy.section,
            text=fill(policy.text, values[policy.id]),
            score=0.0,
        )
        for policy in chosen
    )
    quoted = _quoted(trade, question, values, numbers)
    others = [
        other
        for other in trade.questions
        if other is not question
        and len(other.turns) == 1
        and other.sentences
        and all(name in numbers for name in other.policies)
    ]
    random.shuffle(others)
    later = tuple(
        (other.turns[0].text, _pieces(_quoted(trade, other, values, numbers), language))
        for other in others[: random.choice((0, 1, 2))]
    )
    return Case(
        turns=tuple(Turn(turn.role, fill(turn.text, everything)) for turn in question.turns),
        evidence=evidence,
        quoted=quoted,
        answer=fill_answer(question.answer, values, numbers),
        language=language,
        later=later,
    )


def _quoted(
    trade: Trade,
    question: Question,
    values: Mapping[str, Mapping[str, str]],
    numbers: Mapping[str, int],
) -> tuple[tuple[str, int], ...]:
    own = [trade.policies[name] for name in question.policies]
    found = []
    for sentence in question.sentences:
        source = holder(sentence, own)
        if source is not None:
            found.append((fill(sentence, values[source.id]), numbers[source.id]))
    return tuple(found)


def _ranked(trade: Trade, question: Question, ranking: Sequence[str]) -> list[Policy]:
    """The question's policies and the first of the others, as many as the app shows."""
    wanted = [name for name in ranking if name not in question.policies]
    wanted = wanted[: max(0, MOST_PASSAGES - len(question.policies))]
    return [trade.policies[name] for name in ranking if name in {*question.policies, *wanted}]


def _passages(trade: Trade, question: Question, random: Random) -> list[Policy]:
    """The question's policies and others, those of the same documents first, in any order."""
    own = [trade.policies[name] for name in question.policies]
    documents = {policy.doc for policy in own}
    near = [p for p in trade.policies.values() if p.doc in documents and p not in own]
    far = [p for p in trade.policies.values() if p.doc not in documents]
    random.shuffle(near)
    random.shuffle(far)
    chosen = own[:MOST_PASSAGES]
    count = random.randint(max(3, len(chosen)), MOST_PASSAGES)
    while len(chosen) < count and (near or far):
        pool = near if near and (not far or random.random() < 0.6) else far
        chosen.append(pool.pop())
    random.shuffle(chosen)
    return chosen
