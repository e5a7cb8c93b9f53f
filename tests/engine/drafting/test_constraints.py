"""What the sampler lets through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.drafting.constraints import GroundedFree, Menu, Verbatim
from engine.drafting.generation import Constraint
from engine.drafting.grounding import GroundedNumbers
from engine.drafting.prompt import ChatMessage
from engine.drafting.quantities import is_plain, quantities
from engine.drafting.scripted import ByteVocabulary, ScriptedGenerator
from engine.records import Evidence

EVIDENCE = [Evidence(1, "a.md", "t", "s", "签收后7天内可以退货。运费由我们承担。", 1.0)]
SENTENCES = ["签收后7天内可以退货。", "运费由我们承担。", "师傅24小时内联系您。"]
VOCABULARY = ByteVocabulary()


def written(constraint: Constraint, reply: str, limit: int = 2000) -> str:
    generator = ScriptedGenerator([reply])
    pieces = generator.generate([ChatMessage("user", "?")], constraint, limit=limit)
    return "".join(piece.text for piece in pieces)


def free(room: int = 200) -> GroundedFree:
    return GroundedFree(VOCABULARY, GroundedNumbers(EVIDENCE, []), room=room)


def menu(relevance: Sequence[float] = (0.9, 0.6, 0.1), **options: object) -> Menu:
    return Menu(SENTENCES, ["[1]", "[1]", "[2]"], relevance, **options)  # type: ignore[arg-type]


def test_free_text_goes_through_as_the_model_wants_it() -> None:
    assert written(free(), "您在7天内都可以退[1]。") == "您在7天内都可以退[1]。"


def test_an_ungrounded_number_is_not_written() -> None:
    text = written(free(), "您在8天内都可以退。", limit=40)
    assert "8" not in text


def test_the_models_wish_for_a_wrong_unit_is_refused() -> None:
    assert "7元" not in written(free(), "只要7元就行。", limit=40)


def test_a_reply_ends_at_the_next_sentence_once_the_room_is_used() -> None:
    assert written(free(room=5), "第一句话说完。第二句话也说完。") == "第一句话说完。"


def test_a_reply_that_repeats_itself_ends() -> None:
    assert len(written(free(), "可以的可以的好的呀" * 40)) < 120


@given(st.text(max_size=60))
def test_whatever_the_model_wants_no_foreign_number_is_written(wish: str) -> None:
    text = written(free(), wish, limit=120)
    assert GroundedNumbers(EVIDENCE, []).violation(text, final=False) is None


def test_verbatim_text_is_made_of_whole_sentences() -> None:
    text = written(Verbatim(VOCABULARY, menu(), limit=2000, trust=0.0), "运费由我们承担。[1]")
    assert text == "运费由我们承担。[1]"


def test_what_is_known_beforehand_decides_where_the_model_does_not() -> None:
    assert written(Verbatim(VOCABULARY, menu(), limit=2000), "").startswith(
        "签收后7天内可以退货。[1]"
    )


def test_connectives_stand_between_sentences_only() -> None:
    joined = menu((0.9, 0.9, 0.9), connectives=["另外，", "同时，"], stop=0.0)
    text = written(Verbatim(VOCABULARY, joined, limit=2000), "")
    assert not text.startswith("另外，")
    assert text.count("另外，") == 1
    assert text.count("同时，") == 1


def test_a_reply_without_a_relevant_second_sentence_has_one() -> None:
    assert (
        written(Verbatim(VOCABULARY, menu((0.9, 0.1, 0.1)), limit=2000), "")
        == "签收后7天内可以退货。[1]"
    )


@pytest.mark.parametrize("limit", [0, 10, 38, 39, 70, 200])
def test_what_the_tokens_left_do_not_suffice_for_is_not_begun(limit: int) -> None:
    """A sentence that is cut may say the opposite."""
    equal = menu((0.9, 0.9, 0.9), stop=0.0)
    text = written(Verbatim(VOCABULARY, equal, limit=limit), "", limit=limit)
    assert len(text.encode()) <= limit
    for sentence in SENTENCES:
        text = text.replace(sentence, "", 1)
    assert text.replace("[1]", "").replace("[2]", "") == ""


class DeafVocabulary(ByteVocabulary):
    """Has no token for some bytes, as a model without byte tokens has none for rare characters."""

    def tokenize(self, text: str) -> list[int]:
        return [token for token in super().tokenize(text) if token != ord("7")]


def test_a_sentence_that_the_tokens_cannot_spell_is_left_out() -> None:
    text = written(Verbatim(DeafVocabulary(), menu((0.9, 0.5, 0.1)), limit=2000), "")
    assert text == "运费由我们承担。[1]"


def test_no_sentences_no_reply() -> None:
    assert written(Verbatim(VOCABULARY, Menu([], [], []), limit=2000), "anything") == ""


sentences = st.lists(
    st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=12),
    min_size=1,
    max_size=6,
    unique=True,
)


@given(sentences, st.text(max_size=30), st.integers(0, 2**32 - 1))
def test_whatever_the_model_wants_only_whole_sentences_come_out(
    known: list[str], wish: str, seed: int
) -> None:
    relevance = np.random.default_rng(seed).random(len(known)).tolist()
    cites = [f"[{index}]" for index in range(1, len(known) + 1)]
    constraint = Verbatim(VOCABULARY, Menu(known, cites, relevance, most=3, room=1000), limit=2000)
    text = written(constraint, wish)
    assert text == "".join(known[index] + cites[index] for index in constraint.taken)
    assert 1 <= len(constraint.taken) <= 3
    assert len(set(constraint.taken)) == len(constraint.taken)


@pytest.mark.parametrize("room", [1, 10, 1000])
def test_the_room_limits_all_but_the_first_sentence(room: int) -> None:
    constraint = Verbatim(VOCABULARY, menu((0.9, 0.9, 0.9), room=room, stop=0.0), limit=2000)
    text = written(constraint, "")
    assert len(constraint.taken) == 1 or sum(len(SENTENCES[i]) for i in constraint.taken) <= room
    assert text


@example("7。半日")
@given(st.text(alphabet="一两三十7天元个工作日第月半百分之退货，。 ", max_size=80))
def test_however_numbers_are_written_none_that_stands_nowhere_is_said(wish: str) -> None:
    text = written(free(), wish)
    # What the end cut short is taken back afterwards.
    assert not GroundedNumbers(EVIDENCE, []).violation(text, final=False)


@given(st.text(alphabet="一两三十7天元个工作日第月半百分之退货，。 [1]%a", max_size=40))
def test_plain_text_holds_no_number(text: str) -> None:
    if is_plain(text):
        assert not quantities(text)
        assert not GroundedNumbers([], []).violation(text, final=True)
