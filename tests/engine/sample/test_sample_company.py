"""The sample company is sound: knowledge, conversations, cases and replay agree."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
import yaml
from case_files import Case, Spoken, lines_of, sentences, solving
from msgspec import Struct

from engine.drafting.style import load_style
from engine.evaluation.cases import folded
from engine.records import Language

ASSETS = Path(__file__).parents[3] / "assets"
SAMPLE = ASSETS / "sample"
AS_OF = date(2026, 11, 22)
LANGUAGES: tuple[Language, ...] = ("zh", "en")
FEWEST = {
    "plain": 12,
    "hard": 12,
    "multiturn": 9,
    "redline": 7,
    "overblock": 6,
    "abstain": 6,
    "attack": 5,
}


class Front(Struct, forbid_unknown_fields=True):
    title: str
    valid_from: date
    valid_until: date | None = None
    tags: list[str] = []
    internal: bool = False

    def live(self) -> bool:
        """Whether a draft may rest on the document on the sample's day."""
        return not self.internal and self.in_force()

    def in_force(self) -> bool:
        """Whether the document's dates hold the sample's day."""
        return self.valid_from <= AS_OF and (self.valid_until is None or self.valid_until >= AS_OF)


class Document(Struct):
    front: Front
    sections: list[tuple[str, list[str]]]
    text: str


class Past(Struct, forbid_unknown_fields=True):
    role: Literal["customer", "agent"]
    text: str
    ago: float


class Arrival(Struct, forbid_unknown_fields=True):
    text: str
    after: float


class Answer(Struct, forbid_unknown_fields=True):
    when: list[str]
    text: str
    delay: float


class Thread(Struct, forbid_unknown_fields=True):
    id: str
    customer: str
    channel: Literal["webchat", "mail", "miniapp", "voicemail"]
    label: str
    subject: str
    start: float
    waited: float
    turns: list[Past]
    opening: list[Arrival]
    replies: list[Answer]
    closing: str | None = None


def read_document(path: Path) -> Document:
    """A knowledge file as front matter and sections."""
    head, body = path.read_text(encoding="utf-8").removeprefix("---\n").split("\n---\n", 1)
    front = msgspec.convert(yaml.safe_load(head), Front)
    before, *pieces = re.split(r"^## ", body, flags=re.MULTILINE)
    assert not before.strip(), f"{path.name}: text outside a section"
    sections = []
    for piece in pieces:
        heading, text = piece.split("\n", 1)
        sections.append((heading.strip(), sentences(text)))
    return Document(front, sections, body)


DOCUMENTS = {path.name: read_document(path) for path in sorted((SAMPLE / "knowledge").glob("*.md"))}
CASES: list[Case] = lines_of(SAMPLE / "cases.jsonl", Case)
THREADS: list[Thread] = lines_of(SAMPLE / "replay.jsonl", Thread)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_sections_are_short_and_their_sentences_quotable(name: str) -> None:
    document = DOCUMENTS[name]
    assert 3 <= len(document.sections) <= 7
    headings = [heading for heading, _ in document.sections]
    assert len(set(headings)) == len(headings)
    for heading, said in document.sections:
        assert 1 <= len(said) <= 5, heading
        for sentence in said:
            assert len(sentence) <= 120, sentence
            assert sentence[-1] in "。！？.!?", sentence


def test_the_knowledge_holds_live_expired_coming_and_internal_documents() -> None:
    fronts = [document.front for document in DOCUMENTS.values()]
    english = [name for name in DOCUMENTS if name.isascii()]
    assert len(fronts) - len(english) >= 30
    assert len(english) >= 5
    assert sum(front.internal for front in fronts) >= 4
    assert sum(front.valid_until is not None and front.valid_until < AS_OF for front in fronts) >= 4
    assert sum(front.valid_from > AS_OF for front in fronts) >= 2
    live_offers = [front for front in fronts if "活动" in front.tags and front.live()]
    assert len([front for front in live_offers if front.valid_until]) >= 4
    assert len({front.title for front in fronts}) == len(fronts)
    assert all(f.valid_until is None or f.valid_from <= f.valid_until for f in fronts)


def test_no_sentence_stands_in_two_documents_that_hold_at_once() -> None:
    seen: dict[str, str] = {}
    for name, document in DOCUMENTS.items():
        if not document.front.live():
            continue
        for _, said in document.sections:
            for sentence in said:
                assert seen.setdefault(sentence, name) == name, sentence


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_can_be_solved_from_its_gold_documents(case: Case) -> None:
    assert case.as_of == AS_OF.isoformat()
    assert case.turns[-1].role == "customer"
    assert all(turn.text.strip() for turn in case.turns)
    for doc in case.gold_docs:
        assert DOCUMENTS[doc].front.live(), doc
    gold = folded("\n".join(DOCUMENTS[doc].text for doc in case.gold_docs))
    for wordings in case.facts:
        assert any(folded(wording) in gold for wording in wordings), wordings
    drafted = case.expect == "draft"
    assert drafted == bool(case.gold_docs) == bool(case.facts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_facts_of_a_case_fit_into_three_sentences_without_what_is_forbidden(case: Case) -> None:
    gold = (
        sentence
        for doc in case.gold_docs
        for _, said in DOCUMENTS[doc].sections
        for sentence in said
    )
    assert len(solving(case, gold)) <= 3


def test_kinds_are_all_there_and_expect_what_they_should() -> None:
    counts = Counter(case.kind for case in CASES)
    assert {kind: counts[kind] >= fewest for kind, fewest in FEWEST.items()} == dict.fromkeys(
        FEWEST, True
    )
    assert len(CASES) >= 48
    expected = {"redline": "handover", "abstain": "abstain"}
    for case in CASES:
        if case.kind == "attack":
            assert case.expect in ("draft", "abstain") and case.forbid, case.id
        else:
            assert case.expect == expected.get(case.kind, "draft"), case.id
        if case.kind == "multiturn":
            assert sum(turn.role == "agent" for turn in case.turns) >= 2, case.id
    english = sum(case.turns[-1].text.isascii() for case in CASES)
    assert 0.1 <= english / len(CASES) <= 0.2
    assert len({case.id for case in CASES}) == len(CASES)


def test_every_conversation_file_ends_with_the_customer_and_is_a_case() -> None:
    files = sorted((SAMPLE / "conversations").glob("*.jsonl"))
    assert [file.stem for file in files] == [case.id for case in CASES]
    for file, case in zip(files, CASES, strict=True):
        assert lines_of(file, Spoken) == case.turns
        assert file.stem.split("-")[1] == case.kind


def test_the_replay_plays_real_conversations_in_order() -> None:
    cases = {case.id: case for case in CASES}
    assert len(THREADS) >= 24
    assert len({thread.id for thread in THREADS}) == len(THREADS)
    for thread in THREADS:
        history = [Spoken(past.role, past.text) for past in thread.turns]
        arriving = [Spoken("customer", arrival.text) for arrival in thread.opening]
        assert history + arriving == cases[thread.id].turns
        assert not history or history[-1].role == "agent"
        agos = [past.ago for past in thread.turns]
        assert agos == sorted(agos, reverse=True) and all(ago > thread.waited for ago in agos)
        afters = [arrival.after for arrival in thread.opening]
        assert afters[0] == 0 and afters == sorted(set(afters))
        assert thread.customer
        assert all(reply.text and reply.delay > 0 for reply in thread.replies)


def test_the_replay_opens_with_six_waiting_customers_and_goes_on_steadily() -> None:
    first, later = THREADS[:6], THREADS[6:]
    assert all(thread.start == 0 and thread.waited > 0 for thread in first)
    assert len({thread.waited for thread in first}) == 6
    starts = [0.0, *(thread.start for thread in later)]
    gaps = [after - before for before, after in pairwise(starts)]
    assert all(15 <= gap <= 60 for gap in gaps)
    assert not any(thread.waited for thread in later)
    kinds = {case.id: case.kind for case in CASES}
    assert {kinds[thread.id] for thread in THREADS} == set(FEWEST)
    assert sum(kinds[thread.id] == "redline" for thread in THREADS) >= 2


@pytest.mark.parametrize("name", ["warm_shop", "rigorous_bank"])
def test_a_style_profile_is_complete_in_both_languages(name: str) -> None:
    style = load_style(ASSETS / "styles" / f"{name}.yaml")
    assert style.id == name
    for language in LANGUAGES:
        for wording in (style.name, style.tone, style.closing, style.abstain):
            assert wording.of(language)
        for choices in (style.greeting, style.connectives, *(e.say for e in style.empathy)):
            assert choices.of(language) and all(choices.of(language))
        for sentence in style.own_sentences(language):
            assert not re.search(r"\d", sentence), "what a style says of itself promises nothing"
        fixed = len(style.opening("东西坏了 broken", language)) + len(style.closing.of(language))
        assert fixed < style.room(language) / 2, "most of a reply is its answer"


def test_the_warm_shop_answers_the_feeling_of_a_broken_kettle() -> None:
    style = load_style(ASSETS / "styles" / "warm_shop.yaml")
    broken = next(case for case in CASES if "broken-not-worth" in case.id).turns[-1].text
    comforted = [entry.say.of("zh") for entry in style.empathy if "坏" in entry.when]
    assert style.opening(broken, "zh").removeprefix("亲，") in comforted[0]
    assert style.opening("周末几点关门", "zh") == "亲，"


def test_the_company_names_a_style_that_exists() -> None:
    company = msgspec.yaml.decode((SAMPLE / "company.yaml").read_bytes(), type=dict[str, Any])
    assert (ASSETS / "styles" / f"{company['style']}.yaml").is_file()
    assert company["as_of"] == AS_OF.isoformat()
    for key in ("name", "greeting", "agent", "as_of_note"):
        assert set(company[key]) == {"zh", "en"}
