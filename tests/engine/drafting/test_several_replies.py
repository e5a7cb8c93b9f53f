"""Several replies at once, and guesses ahead: each reply is what it is when written alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
from greedy import Greedy
from hypothesis import given
from hypothesis import strategies as st

from engine.drafting.generation import Logits, Piece
from engine.drafting.llama import LlamaGenerator, load_generator
from engine.drafting.llama import loading as loading_module
from engine.drafting.llama.speculation import LookUp, Pays
from engine.drafting.prompt import ChatMessage

SYSTEM = ChatMessage(
    "system", "你是客服的起草助手。只根据依据回答，先回应客户的顾虑，每句话后标注依据编号。"
)
LIMIT = 24


class Copying:
    """Says what it is told, token by token: what a model does that copies from its prompt."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._left = list(tokens)
        self.asked = 0

    def choose(self, _: Logits) -> Sequence[int]:
        self.asked += 1
        return (self._left.pop(0),) if self._left else ()


@pytest.fixture
def llama(tiny_gguf: Path) -> Iterator[LlamaGenerator]:
    generator = load_generator(tiny_gguf, context=1024, threads=1)
    generator.speculation = False
    yield generator
    generator.close()


@pytest.fixture
def crowded(tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LlamaGenerator]:
    """With room for two conversations only."""
    monkeypatch.setattr(loading_module, "_MOST_CACHE", 1 << 10)
    generator = load_generator(tiny_gguf, context=1024, threads=1)
    yield generator
    generator.close()


def chat(number: int, turns: int = 1) -> list[ChatMessage]:
    messages = [SYSTEM]
    for turn in range(turns):
        messages.append(ChatMessage("user", f"第{number}位客户的第{turn}句：邮费谁出？" * 3))
        messages.append(ChatMessage("assistant", f"您好，邮费由我们承担{turn}。"))
    return messages[:-1]


def text(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def alone(generator: LlamaGenerator, number: int) -> str:
    stream = generator.generate(
        chat(number), Greedy(generator), limit=LIMIT, conversation=f"alone {number}"
    )
    return text(list(stream))


@pytest.mark.parametrize("seed", range(4))
def test_replies_in_turn_are_what_they_are_alone(llama: LlamaGenerator, seed: int) -> None:
    expected = [alone(llama, number) for number in range(6)]
    random = Random(seed)
    streams = {
        number: llama.generate(
            chat(number),
            Greedy(llama),
            limit=LIMIT,
            conversation=f"{number}",
            shares=lambda: random.random() < 0.8,
        )
        for number in range(6)
    }
    said = dict.fromkeys(streams, "")
    while streams:
        number = random.choice(list(streams))
        piece = next(streams[number], None)
        if piece is None:
            del streams[number]
        else:
            said[number] += piece.text
    assert list(said.values()) == expected


def test_more_replies_than_there_is_room_for_are_all_written(crowded: LlamaGenerator) -> None:
    expected = [alone(crowded, number) for number in range(5)]
    streams = [
        crowded.generate(
            chat(number),
            Greedy(crowded),
            limit=LIMIT,
            conversation=f"{number}",
            shares=lambda: True,
        )
        for number in range(5)
    ]
    said = [""] * 5
    for _ in range(LIMIT + 8):
        for number, stream in enumerate(streams):
            piece = next(stream, None)
            said[number] += piece.text if piece else ""
    assert said == expected
    assert crowded.memory.sequences <= 2


def test_of_interleaved_conversations_only_new_text_is_read(llama: LlamaGenerator) -> None:
    prompt = reused = 0
    for turns in range(1, 7):
        for number in range(8):
            stream = llama.generate(
                chat(number, turns), Copying([]), limit=8, conversation=f"{number}"
            )
            counts = list(stream)[-1].tokens
            before = len(llama.prompt_tokens(chat(number, turns - 1))) if turns > 1 else 1
            # A prompt ends with the template's words for a reply, and goes on with a reply.
            assert counts.reused >= before - 16 or turns == 1
            prompt += counts.prompt
            reused += counts.reused
    assert reused / prompt > 0.6


def test_conversations_that_had_to_leave_go_on_as_if_they_had_stayed(
    crowded: LlamaGenerator, llama: LlamaGenerator
) -> None:
    for turns in (1, 2, 3):
        for number in range(4):
            told = [
                text(
                    list(
                        one.generate(
                            chat(number, turns), Greedy(one), limit=8, conversation=f"{number}"
                        )
                    )
                )
                for one in (crowded, llama)
            ]
            assert told[0] == told[1]


def test_what_all_prompts_begin_with_can_be_read_ahead(llama: LlamaGenerator) -> None:
    for _ in llama.read_ahead([SYSTEM, ChatMessage("user", "0")]):
        pass
    counts = next(iter(llama.generate(chat(0), Copying([]), limit=8, conversation="new"))).tokens
    assert counts.reused > llama.count(SYSTEM.content)


def test_a_reply_that_is_left_does_not_hold_up_the_others(llama: LlamaGenerator) -> None:
    expected = alone(llama, 1)
    left, goes_on = (
        llama.generate(
            chat(number), Greedy(llama), limit=LIMIT, conversation=f"{number}", shares=lambda: True
        )
        for number in (0, 1)
    )
    said = ""
    for _ in range(3):
        next(left)
        said += next(goes_on).text
    left.close()  # type: ignore[attr-defined]
    assert said + text(list(goes_on)) == expected


def test_guessing_ahead_changes_nothing_of_a_reply(llama: LlamaGenerator) -> None:
    for number in range(6):
        plain = alone(llama, number)
        llama.speculation = True
        llama._guessing = Pays()
        assert alone(llama, number) == plain
        llama.speculation = False


def test_a_copied_reply_is_verified_in_fewer_steps(llama: LlamaGenerator) -> None:
    sentence = "签收后七天内可以退货，邮费由客户承担；质量问题退货，邮费由我们承担，请留好发票。"
    messages = [SYSTEM, ChatMessage("user", f"怎么退？\n\n依据：\n[1] 退货：{sentence}")]
    tokens = llama.vocabulary.tokenize(sentence)

    def write(speculation: bool) -> tuple[str, int]:
        llama.speculation = speculation
        llama._guessing.now = lambda: True  # type: ignore[method-assign]
        pieces = list(llama.generate(messages, Copying(tokens), limit=200, conversation="x"))
        assert pieces[-1].tokens.generated == len(tokens)
        return text(pieces), len(pieces)

    slow, steps = write(False)
    quick, fewer = write(True)
    assert quick == slow == sentence
    assert fewer < steps / 2


def test_a_guess_is_what_followed_before() -> None:
    look_up = LookUp([1, 2, 3, 4, 5, 6, 7, 1, 2])
    assert look_up.guess(10) == [3, 4, 5, 6]
    assert look_up.guess(2) == [3, 4]
    look_up.add(9)
    assert look_up.guess(10) == []
    for token in (2, 3):
        look_up.add(token)
    assert look_up.guess(10)[:1] == [4]


def test_of_several_places_the_one_most_like_the_end_is_followed() -> None:
    look_up = LookUp([7, 8, 1, 2, 30, 31, 32, 33, 34, 35, 9, 1, 2, 50, 51, 7, 8, 1, 2])
    assert look_up.guess(99) == [30, 31, 32, 33, 34, 35, 9, 1]
    assert look_up.guess(0) == []


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 20))
def test_a_guess_always_stood_behind_the_same_tokens(tokens: list[int], room: int) -> None:
    look_up = LookUp(tokens)
    guess = look_up.guess(room)
    assert len(guess) <= room
    if guess:
        ending = tokens[-2:]
        assert any(
            tokens[place : place + 2] == ending
            and tokens[place + 2 : place + 2 + len(guess)] == guess
            for place in range(len(tokens) - 2)
        )


@pytest.mark.parametrize("better", [True, False])
def test_what_does_not_pay_is_left_and_tried_again_now_and_then(better: bool) -> None:
    pays = Pays()
    used = []
    for _ in range(300):
        way = pays.now()
        used.append(way)
        pays.measured(way, 1, 1.0 if way == better else 2.0)
    settled = used[10:]
    assert settled.count(better) > 0.9 * len(settled)
    assert settled.count(not better) > 0


def test_a_conversation_is_forgotten_beside_others_that_are_being_written(
    llama: LlamaGenerator,
) -> None:
    expected = [alone(llama, number) for number in range(2)]
    list(llama.generate(chat(7), Copying([]), limit=8, conversation="gone"))
    under_way = [
        llama.generate(chat(number), Greedy(llama), limit=LIMIT, conversation=f"c{number}")
        for number in range(2)
    ]
    written = ["".join(next(reply).text for _ in range(3)) for reply in under_way]
    llama.forget(["gone", "alone 0", "alone 1"])
    assert llama.memory.conversations == 2
    for number, reply in enumerate(under_way):
        assert written[number] + text(list(reply)) == expected[number]
