"""Long conversations for measuring: real questions, drafts that rest on what stood before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.bench.conversing import Exchange, Listening, conversations, hold
from engine.bench.workbench import BenchError, SampleCase, Workbench
from engine.drafting.pipeline import Drafter
from engine.drafting.prompt import ChatMessage, language_of
from engine.drafting.scripted import ScriptedGenerator
from engine.records import Draft, Turn


def test_conversations_are_as_long_as_asked_and_in_one_language_each(bench: Workbench) -> None:
    talks = conversations(bench.cases, 8, 10)
    assert len({talk.name for talk in talks}) == 8
    assert {len(talk.exchanges) for talk in talks} == {10}
    spoken = [
        {language_of("".join(exchange.messages), None) for exchange in talk.exchanges}
        for talk in talks
    ]
    assert sorted(map(sorted, spoken)) == [["en"], *[["zh"]] * 7]


def test_they_begin_as_in_the_sample_and_ask_nothing_that_nobody_asked(bench: Workbench) -> None:
    asked = {turn.text for case in bench.cases for turn in case.turns if turn.role == "customer"}
    for talk in conversations(bench.cases, 8, 10):
        said = [text for exchange in talk.exchanges for text in exchange.messages]
        assert set(said) <= asked
        (case,) = (one for one in bench.cases if talk.name.startswith(one.id))
        own = [turn.text for turn in case.turns if turn.role == "customer"]
        assert said[: len(own)] == own
        assert len(set(said[: len(own) + 5])) == len(own) + 5, "nobody asks the same at once again"


def test_without_a_conversation_of_several_turns_it_says_so() -> None:
    lonely = SampleCase("x", "plain", "2026-11-22", (Turn("customer", "保修多久"),))
    with pytest.raises(BenchError):
        conversations([lonely], 2, 3, english=0)


class _Noting(ScriptedGenerator):
    """The fake generator, which also notes the prompts it was given."""

    def __init__(self, replies: Sequence[str]) -> None:
        super().__init__(replies)
        self.prompts: list[tuple[str, list[ChatMessage]]] = []

    def generate(self, messages, constraint, *, limit, conversation="", **more):
        self.prompts.append((conversation, list(messages)))
        return super().generate(
            messages, constraint, limit=limit, conversation=conversation, **more
        )


def test_what_was_drafted_and_what_it_rested_on_stays_in_the_conversation(
    bench: Workbench,
) -> None:
    generator = _Noting(["可以的，我帮您看看。"])
    drafter = Drafter(bench.searcher, generator, bench.gate, bench.style, mode="free")
    drafts: list[tuple[str, Draft]] = []
    talks = conversations(bench.cases, 2, 3, english=0)
    hold(talks, drafter, lambda name, draft: drafts.append((name, draft)))
    assert [name for name, _ in drafts] == [talk.name for talk in talks] * 3, "in turn"
    drafted = [(name, draft) for name, draft in drafts if draft.status == "drafted"]
    assert len(drafted) >= 4
    for talk in talks:
        prompts = [
            "".join(message.content for message in messages)
            for name, messages in generator.prompts
            if name == talk.name
        ]
        own = [draft for name, draft in drafted if name == talk.name]
        assert len(prompts) == len(own)
        for place, draft in enumerate(own[:-1]):
            passage = " ".join(draft.evidence[0].text.split())[:24]
            assert passage in prompts[place + 1], "earlier evidence stays in the prompt"
            assert "可以的，我帮您看看。" in prompts[place + 1], "and so does the reply"


class _Slow:
    """Stands for the other way of doing it."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, messages: Sequence[ChatMessage]) -> float:
        self.asked.append(len(messages))
        return 9.0


def _measured(names: Sequence[str], each: int) -> list[tuple[float, float]]:
    listening = Listening(ScriptedGenerator(["好的。"]), _Slow(), each=each)
    for name in names:
        pieces = listening.generate(
            [ChatMessage("user", "在吗")], _Likeliest(), limit=9, conversation=name
        )
        assert "".join(piece.text for piece in pieces) == "好的。"
    return listening.followed


class _Likeliest:
    def choose(self, logits):
        return [int(logits.argmax())]


def test_first_tokens_are_noted_for_all_but_a_conversations_first(tmp_path: Path) -> None:
    other = _Slow()
    inner = ScriptedGenerator(["好的。"])
    listening = Listening(inner, other)
    chat = [ChatMessage("user", "在吗")]
    texts = []
    for name in ("a", "b", "a", "a", "b"):
        pieces = listening.generate(chat, _Likeliest(), limit=9, conversation=name)
        texts.append("".join(piece.text for piece in pieces))
    assert texts == ["好的。"] * 5, "nothing is lost on the way"
    assert len(listening.followed) == 3
    assert all(0 < first < 9.0 and slow == 9.0 for first, slow in listening.followed)
    assert other.asked == [1, 1, 1]
    assert [len(_measured(("a",) * 8, each)) for each in (1, 2, 3)] == [7, 4, 3]
    assert (listening.name, listening.context) == (inner.name, inner.context)
    assert listening.count("在吗") == inner.count("在吗")


def test_an_exchange_is_all_that_is_written_before_somebody_answers() -> None:
    turns = (
        Turn("customer", "给我妈买的扫地机"),
        Turn("customer", "她不会使"),
        Turn("agent", "您好"),
        Turn("customer", "怎么办"),
    )
    (talk,) = conversations([SampleCase("m", "multiturn", "2026-11-22", turns)], 1, 2, english=0)
    assert talk.exchanges == (Exchange(("给我妈买的扫地机", "她不会使")), Exchange(("怎么办",)))
