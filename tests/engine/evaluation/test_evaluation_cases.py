"""The evaluation set has the form its README promises: companies, knowledge and cases agree."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from case_files import Case, lines_of, sentences, solving
from msgspec import Struct

from engine.evaluation.cases import folded
from engine.knowledge.documents import Document, read_document

EVALUATION = Path(__file__).parents[3] / "assets" / "evaluation"
AS_OF = "2026-11-22"
COMPANIES = sorted(folder.name for folder in EVALUATION.iterdir() if folder.is_dir())
EXPECTED = {
    "plain": {"draft"},
    "hard": {"draft"},
    "multiturn": {"draft"},
    "overblock": {"draft"},
    "abstain": {"abstain"},
    "redline": {"handover"},
    "attack": {"draft", "abstain"},
}
# Share of all cases, in per cent: the least and the most.
SHARES = {
    "plain": (15, 25),
    "hard": (30, 42),
    "multiturn": (15, 22),
    "abstain": (9, 15),
    "overblock": (3, 8),
    "redline": (3, 8),
    "attack": (3, 8),
}


class Company(Struct, forbid_unknown_fields=True):
    name: str
    trade: str
    language: Literal["zh", "en"]


def numerals_folded(text: str) -> str:
    """The text with every number as one sign, so that 7天 and 七天 are the same."""
    return re.sub(r"\d+|[一二两三四五六七八九十]+", "#", folded(text))


def sentences_of(document: Document) -> list[str]:
    """The sentences of a document, without its headings."""
    return sentences(re.sub(r"^#.*$", "", document.text, flags=re.MULTILINE))


def in_force(document: Document) -> bool:
    """Whether a draft of the set's day may rest on the document."""
    begun = document.valid_from is None or document.valid_from <= AS_OF
    over = document.valid_until is not None and document.valid_until < AS_OF
    return begun and not over and not document.internal


def read_company(name: str) -> Company:
    return msgspec.yaml.decode((EVALUATION / name / "company.yaml").read_bytes(), type=Company)


def read_cases(name: str) -> list[Case]:
    return lines_of(EVALUATION / name / "cases.jsonl", Case)


KNOWLEDGE = {
    name: {
        path.name: read_document(path) for path in (EVALUATION / name / "knowledge").glob("*.md")
    }
    for name in COMPANIES
}
CASES = [(name, case) for name in COMPANIES for case in read_cases(name)]
EVERY_CASE = pytest.mark.parametrize(("company", "case"), CASES, ids=[c.id for _, c in CASES])


@pytest.mark.parametrize("name", COMPANIES)
def test_a_company_has_knowledge_of_every_standing(name: str) -> None:
    company = read_company(name)
    assert company.name and company.trade
    documents = KNOWLEDGE[name].values()
    assert 8 <= len(documents) <= 15
    assert len({document.title for document in documents}) == len(documents)
    assert any(document.internal for document in documents)
    assert any(d.valid_until is not None and d.valid_until < AS_OF for d in documents)
    for document in documents:
        assert 3 <= len(re.findall(r"^## ", document.text, re.MULTILINE)) <= 6, document.doc
        for sentence in sentences_of(document):
            assert sentence[-1] in "。！？.!?", sentence
            assert len(sentence) <= (110 if company.language == "zh" else 260), sentence


@pytest.mark.parametrize("name", COMPANIES)
def test_a_company_has_cases_of_every_kind(name: str) -> None:
    cases = read_cases(name)
    assert len(cases) >= 35
    assert {case.kind for case in cases} == set(EXPECTED)


def test_the_set_is_large_and_its_kinds_keep_their_shares() -> None:
    counts = Counter(case.kind for _, case in CASES)
    assert len(CASES) >= 300
    for kind, (least, most) in SHARES.items():
        assert least <= 100 * counts[kind] / len(CASES) <= most, (kind, counts)
    chinese = sum(read_company(name).language == "zh" for name, _ in CASES)
    assert 80 <= 100 * chinese / len(CASES) <= 90


def test_every_id_is_unique_and_names_company_and_kind() -> None:
    assert len({case.id for _, case in CASES}) == len(CASES)
    for name, case in CASES:
        assert re.fullmatch(rf"{re.escape(name)}-{case.kind}-\d\d", case.id), case.id


@EVERY_CASE
def test_the_turns_of_a_case_are_a_conversation(company: str, case: Case) -> None:
    assert case.as_of == AS_OF and date.fromisoformat(case.as_of)
    assert case.turns[-1].role == "customer"
    assert case.expect in EXPECTED[case.kind]
    assert all(turn.text.strip() for turn in case.turns)
    if case.kind == "multiturn":
        assert 3 <= len(case.turns) <= 8
        assert any(turn.role == "agent" for turn in case.turns)


@EVERY_CASE
def test_the_facts_of_a_case_stand_in_its_gold_documents(company: str, case: Case) -> None:
    documents = KNOWLEDGE[company]
    for doc in case.gold_docs:
        assert in_force(documents[doc]), doc
    assert (case.expect == "draft") == bool(case.gold_docs) == bool(case.facts)
    gold = folded("\n".join(documents[doc].text for doc in case.gold_docs))
    for wordings in case.facts:
        assert wordings
        assert folded(wordings[0]) in gold, wordings
        spoken = {numerals_folded(wording) for wording in wordings if folded(wording) in gold}
        for wording in wordings[1:]:
            # What stands nowhere may only be another spelling of a number that does.
            assert folded(wording) in gold or numerals_folded(wording) in spoken, wording
        for forbidden in case.forbid:
            assert not any(folded(forbidden) in folded(wording) for wording in wordings), forbidden
    assert len(case.facts) <= 3


@EVERY_CASE
def test_a_case_is_solved_by_three_sentences_that_fit(company: str, case: Case) -> None:
    documents = KNOWLEDGE[company]
    taken = solving(case, (s for doc in case.gold_docs for s in sentences_of(documents[doc])))
    assert len(taken) <= 3
    reply = " ".join(taken)
    assert len(reply.split()) <= 110 if reply.isascii() else len(reply) <= 200


def grams(case: Case) -> frozenset[str]:
    """The 3-grams of characters of all that the customer says."""
    said = folded("".join(turn.text for turn in case.turns if turn.role == "customer"))
    return frozenset(said[at : at + 3] for at in range(max(1, len(said) - 2)))


def test_no_two_cases_ask_nearly_the_same() -> None:
    bags = [(case.id, grams(case)) for _, case in CASES]
    near = [
        (one, other)
        for (one, a), (other, b) in combinations(bags, 2)
        if len(a & b) >= 0.6 * len(a | b)
    ]
    assert not near
