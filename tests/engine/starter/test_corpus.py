"""The corpus of the starter models keeps the form its README promises, file by file."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Literal

import msgspec
import pytest

CORPUS = Path(__file__).parents[3] / "assets" / "starter" / "corpus"
FILES = sorted(CORPUS.glob("*.jsonl"))
MINIMUM = {"plain": 15, "hard": 25, "multiturn": 7, "abstain": 7, "attack": 2, "overblock": 2}
UNANSWERED = {"abstain", "attack"}
CITATION = re.compile(r"\[([a-z0-9_-]+)\]")
SLOT = re.compile(r"\{(\w+)\}")
# Digits, and Chinese numerals before a unit of time, money or share.
NUMBER = re.compile(
    r"\d+(?:[.,:]\d+)*%?|[一二两三四五六七八九十百千万]+(?:个工作日|个月|天|日|小时|分钟|年|元|块|折|成)"
)


class CorpusTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["customer", "agent"]
    text: str


class CorpusPolicy(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="policy"
):
    id: str
    doc: str
    title: str
    section: str
    text: str
    slots: dict[str, list[str]]


class CorpusQuestion(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="question"
):
    id: str
    kind: Literal["plain", "hard", "multiturn", "abstain", "attack", "overblock"]
    policies: list[str]
    turns: list[CorpusTurn]
    worry: str
    reasoning: str
    answer: str
    sentences: list[str]


def _read(path: Path) -> tuple[list[CorpusPolicy], list[CorpusQuestion]]:
    """Decode one file; a wrong field fails with its line's number."""
    policies: list[CorpusPolicy] = []
    questions: list[CorpusQuestion] = []
    decoder = msgspec.json.Decoder(CorpusPolicy | CorpusQuestion)
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            record = decoder.decode(line)
        except msgspec.DecodeError as error:
            pytest.fail(f"{path.name}:{number}: {error}")
        if isinstance(record, CorpusPolicy):
            assert not questions, f"{path.name}:{number}: a policy after the first question"
            policies.append(record)
        else:
            questions.append(record)
    return policies, questions


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def trade(request: pytest.FixtureRequest) -> tuple[str, list[CorpusPolicy], list[CorpusQuestion]]:
    return (request.param.stem, *_read(request.param))


Trade = tuple[str, list[CorpusPolicy], list[CorpusQuestion]]


def _parts(text: str, english: bool) -> list[str]:
    pattern = r"(?<=[.!?])\s+" if english else r"(?<=[。！？])"
    return [part.strip() for part in re.split(pattern, text) if part.strip()]


def _grams(text: str, size: int = 3) -> set[str]:
    squeezed = re.sub(r"\s+", "", text.lower())
    return {squeezed[i : i + size] for i in range(max(1, len(squeezed) - size + 1))}


def test_the_corpus_is_not_empty() -> None:
    assert FILES


def test_corpus_ids_are_unique_in_the_whole_corpus() -> None:
    seen = Counter(record.id for path in FILES for records in _read(path) for record in [*records])
    assert [name for name, count in seen.items() if count > 1] == []


def test_corpus_policies_declare_exactly_their_slots(trade: Trade) -> None:
    _, policies, _ = trade
    for policy in policies:
        assert set(SLOT.findall(policy.text)) == set(policy.slots), policy.id
        for name, values in policy.slots.items():
            assert 2 <= len(values) <= 6, (policy.id, name)
            assert len(set(values)) == len(values), (policy.id, name)
            assert all(v.strip() == v and v and not re.search(r"[{}]", v) for v in values)


def test_corpus_policies_come_in_documents_of_neighbours(trade: Trade) -> None:
    _, policies, _ = trade
    assert len(policies) >= 15
    per_doc = Counter(policy.doc for policy in policies)
    assert 6 <= len(per_doc) <= 12
    assert sum(1 for count in per_doc.values() if count >= 2) >= 5


def test_corpus_kinds_reach_their_counts(trade: Trade) -> None:
    _, _, questions = trade
    counts: Counter[str] = Counter(question.kind for question in questions)
    assert {k: counts[k] for k, least in MINIMUM.items() if counts[k] < least} == {}


def test_corpus_policies_each_have_two_hard_questions(trade: Trade) -> None:
    _, policies, questions = trade
    hard = Counter(p for q in questions if q.kind == "hard" for p in q.policies)
    assert {p.id: hard[p.id] for p in policies if hard[p.id] < 2} == {}


def test_corpus_turns_end_with_the_customer(trade: Trade) -> None:
    _, _, questions = trade
    for question in questions:
        assert question.turns[-1].role == "customer", question.id
        assert all(turn.text.strip() for turn in question.turns), question.id
        if question.kind == "multiturn":
            assert 3 <= len(question.turns) <= 7, question.id
            assert any(turn.role == "agent" for turn in question.turns), question.id


def test_corpus_unanswered_kinds_carry_no_answer(trade: Trade) -> None:
    _, _, questions = trade
    for question in questions:
        empty = (not question.policies, not question.answer, not question.sentences)
        expected = question.kind in UNANSWERED
        assert empty == (expected, expected, expected), question.id


def test_corpus_answers_cite_exactly_their_policies(trade: Trade) -> None:
    _, policies, questions = trade
    known = {policy.id for policy in policies}
    for question in questions:
        assert set(question.policies) <= known, question.id
        assert set(CITATION.findall(question.answer)) == set(question.policies), question.id


def test_corpus_sentences_stand_in_the_policies(trade: Trade) -> None:
    name, policies, questions = trade
    by_id = {policy.id: policy for policy in policies}
    for question in questions:
        parts = [
            part
            for policy_id in question.policies
            for part in _parts(by_id[policy_id].text, name.startswith("en_"))
        ]
        if question.kind not in UNANSWERED:
            assert 1 <= len(question.sentences) <= 3, question.id
        for sentence in question.sentences:
            assert sentence in parts, (question.id, sentence)


def test_corpus_answers_have_a_readable_length(trade: Trade) -> None:
    name, policies, questions = trade
    shortest, longest = (50, 320) if name.startswith("en_") else (20, 90)
    values = {slot: v[0] for policy in policies for slot, v in policy.slots.items()}
    lengths = {
        question.id: len(
            SLOT.sub(lambda m: values.get(m[1], m[0]), CITATION.sub("", question.answer))
        )
        for question in questions
        if question.answer
    }
    wrong = {name: size for name, size in lengths.items() if not shortest <= size <= longest}
    assert wrong == {}


def test_corpus_answers_take_their_numbers_from_policy_or_customer(trade: Trade) -> None:
    _, policies, questions = trade
    by_id = {policy.id: policy for policy in policies}
    for question in questions:
        cited = [by_id[policy_id] for policy_id in question.policies]
        slots = [slot for policy in cited for slot in policy.slots]
        assert len(set(slots)) == len(slots), (question.id, "one slot name in two policies")
        used = "".join([question.answer, *(turn.text for turn in question.turns)])
        assert set(SLOT.findall(used)) <= set(slots), question.id
        assert not SLOT.search(question.worry + question.reasoning), question.id
        said = [policy.text for policy in cited]
        said += [turn.text for turn in question.turns if turn.role == "customer"]
        source = set(NUMBER.findall("\n".join(said)))
        bare = SLOT.sub("", CITATION.sub("", question.answer))
        assert set(NUMBER.findall(bare)) <= source, (question.id, bare)


def test_corpus_questions_differ_from_one_another(trade: Trade) -> None:
    _, _, questions = trade
    grams = {q.id: _grams("".join(turn.text for turn in q.turns)) for q in questions}
    close = [
        (one, other)
        for (one, a), (other, b) in combinations(grams.items(), 2)
        if len(a & b) / len(a | b) >= 0.7
    ]
    assert close == []
