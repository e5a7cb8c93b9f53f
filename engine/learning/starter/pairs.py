"""Pairs for the embedder: our own questions with their policies, and weak pairs of public text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from engine.knowledge.queries import standalone_query
from engine.learning.starter.corpus import Question, Trade, draw_values, fill
from engine.learning.starter.embedder import Pair
from engine.learning.starter.public import PublicText, sentences


def query_of(question: Question) -> str:
    """What the app searches for when this question is the newest turn."""
    return standalone_query(question.turns) or question.turns[-1].text


def own_pairs(trades: Sequence[Trade], random: Random, copies: int = 2) -> list[Pair]:
    """Every answerable question with each of its policies, slots drawn anew for each copy."""
    found = []
    for trade in trades:
        for question in trade.questions:
            if question.kind in ("abstain", "attack"):
                continue
            for _ in range(copies):
                filled = filled_policies(trade, random)
                same_document = {trade.policies[name].doc for name in question.policies}
                others = [
                    text
                    for name, text in filled.items()
                    if name not in question.policies
                    and (trade.policies[name].doc in same_document or random.random() < 0.3)
                ]
                query = random.choice((query_of(question), question.turns[-1].text))
                for name in question.policies:
                    found.append(Pair(query, filled[name], tuple(others)))
                if question.answer:
                    found.append(Pair(query, fill(question.answer.split("[")[0], {})))
    return found


def filled_policies(trade: Trade, random: Random) -> dict[str, str]:
    """Every policy's searchable text (title, section, text) by id."""
    return {
        name: f"{policy.title}\n{policy.section}\n{fill(policy.text, draw_values(policy, random))}"
        for name, policy in trade.policies.items()
    }


def public_pairs(text: PublicText, random: Random, count: int) -> list[Pair]:
    """Weak pairs: a turn and its reply, two questions of one intent, two sentences of one law."""
    intents = [lines for lines in text.intents.values() if len(lines) > 1]
    found: list[Pair] = []
    while len(found) < count:
        pick = random.random()
        if pick < 0.35:
            turns = random.choice(text.dialogues)
            place = random.randrange(0, max(1, len(turns) - 1), 2)
            if place + 1 < len(turns):
                found.append(Pair(turns[place], turns[place + 1]))
        elif pick < 0.55:
            turns = random.choice(text.talks)
            place = random.randrange(0, max(1, len(turns) - 1), 2)
            if place + 1 < len(turns):
                found.append(Pair(turns[place][-120:], turns[place + 1][:120]))
        elif pick < 0.75:
            first, second = random.sample(random.choice(intents), 2)
            found.append(Pair(first, second))
        else:
            title, paragraphs = random.choice(text.laws)
            parts = sentences(random.choice(paragraphs))
            if len(parts) > 1:
                found.append(Pair(parts[0], parts[1]))
            elif parts:
                found.append(Pair(title, parts[0]))
    return found


def own_text(trades: Sequence[Trade]) -> Iterator[str]:
    """Our corpus as running text: a question and its answer in one line keep each other company."""
    for trade in trades:
        for policy in trade.policies.values():
            yield f"{policy.title} {policy.section} {policy.text}"
        for question in trade.questions:
            yield " ".join(turn.text for turn in question.turns) + " " + question.answer


def public_text(text: PublicText) -> Iterator[str]:
    """Public text in the proportions that words of service are to be learnt from."""
    for turns in text.dialogues:
        yield " ".join(turns)
    for turns in text.talks:
        yield from turns
    for lines in text.intents.values():
        yield from lines
    for lines in text.customers:
        yield " ".join(lines)
    for _, paragraphs in text.laws:
        yield from paragraphs
    yield from text.prose[::3]
