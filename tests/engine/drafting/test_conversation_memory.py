"""The memory of conversations, over sequences that remember exactly what was done to them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.drafting.llama.context import plan_cache
from engine.drafting.llama.memory import ConversationMemory, Track, common_length

COUNT = 3
SYSTEM = tuple(range(100, 120))


class ListSequences:
    """Sequences whose content can be looked at; a state is what was in one."""

    def __init__(self, count: int) -> None:
        self.held: list[list[int]] = [[] for _ in range(count)]
        self.restores = 0
        self.refuses = False

    def read(self, sequence: int, tokens: Sequence[int]) -> None:
        self.held[sequence] += tokens

    def cut(self, sequence: int, length: int) -> bool:
        del self.held[sequence][length:]
        return True

    def clear(self) -> None:
        for held in self.held:
            held.clear()

    def save(self, sequence: int) -> bytearray:
        return bytearray(pickle.dumps(self.held[sequence]))

    def restore(self, sequence: int, state: bytearray) -> bool:
        self.held[sequence] = [] if self.refuses else pickle.loads(state)
        self.restores += 1
        return not self.refuses


def read(
    sequences: ListSequences, memory: ConversationMemory, track: Track, prompt: list[int]
) -> int:
    """Read what is missing of `prompt`, as a reply does; how many tokens that was."""
    held = memory.seat(track)
    assert held <= len(prompt)
    assert track.sequence is not None
    sequences.read(track.sequence, prompt[held:])
    track.tokens += prompt[held:]
    return len(prompt) - held


class Conversations(RuleBasedStateMachine):
    """Many conversations that grow, some at the same time, over few sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.sequences = ListSequences(COUNT)
        self.memory = ConversationMemory(self.sequences, COUNT, budget=600)
        self.prompts: dict[str, list[int]] = {}
        self.under_way: list[tuple[Track, list[int]]] = []

    @rule(
        name=st.sampled_from("abcdefg"), more=st.lists(st.integers(0, 50), min_size=1, max_size=9)
    )
    def opens(self, name: str, more: list[int]) -> None:
        prompt = self.prompts.setdefault(name, list(SYSTEM))
        prompt += more
        track = self.memory.open(name, prompt)
        assert len(track.tokens) < len(prompt)
        assert track.tokens == prompt[: len(track.tokens)]
        self.under_way.append((track, list(prompt)))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), cut=st.integers(0, 5))
    def reads(self, data: st.DataObject, cut: int) -> None:
        track, prompt = data.draw(st.sampled_from(self.under_way))
        read(self.sequences, self.memory, track, prompt)
        assert track.tokens == prompt
        self.memory.cut(track, len(prompt) - cut)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def closes(self, data: st.DataObject) -> None:
        pair = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove(pair)
        self.memory.close(pair[0])

    @precondition(lambda self: self.under_way)
    @rule()
    def keeps_the_beginning(self) -> None:
        track, prompt = self.under_way[-1]
        read(self.sequences, self.memory, track, prompt)
        self.memory.cut(track, len(SYSTEM))
        self.memory.keep_beginning(track)

    @rule(name=st.sampled_from("abcdefg"))
    def forgets(self, name: str) -> None:
        for pair in [one for one in self.under_way if one[0].conversation == name]:
            self.under_way.remove(pair)
            self.memory.close(pair[0])
        self.memory.forget([name])
        self.prompts.pop(name, None)
        # No sequence holds anything until a conversation goes on.
        assert not any(self.sequences.held)
        track = self.memory.open(name, [*SYSTEM, -1])
        assert len(track.tokens) <= len(SYSTEM)
        self.memory.close(track)

    @rule()
    def loses_states(self) -> None:
        self.sequences.refuses = not self.sequences.refuses

    @invariant()
    def what_a_track_says_is_what_its_sequence_holds(self) -> None:
        seated = {
            track.sequence: track for track, _ in self.under_way if track.sequence is not None
        }
        for sequence, track in seated.items():
            assert self.sequences.held[sequence] == track.tokens
        assert self.memory.use.sequences <= COUNT


TestConversations = Conversations.TestCase
TestConversations.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def converse(
    memory: ConversationMemory, sequences: ListSequences, name: str, prompt: list[int]
) -> int:
    track = memory.open(name, prompt)
    count = read(sequences, memory, track, prompt)
    memory.measured(count, count * 1.0)
    memory.close(track)
    return count


def test_a_conversation_that_had_to_leave_is_restored_and_not_read_again() -> None:
    sequences = ListSequences(2)
    memory = ConversationMemory(sequences, 2, budget=1 << 20)
    prompts = {name: [place, *range(40)] for place, name in enumerate("abcd")}
    for name, prompt in prompts.items():
        assert converse(memory, sequences, name, prompt) == 41
    for name, prompt in prompts.items():
        assert converse(memory, sequences, name, [*prompt, 7]) == 1
    assert sequences.restores == 4


def test_states_beyond_the_budget_are_given_up_the_oldest_first() -> None:
    sequences = ListSequences(2)
    one = len(pickle.dumps(list(range(41))))
    memory = ConversationMemory(sequences, 2, budget=2 * one + 8)
    prompts = {name: [place, *range(40)] for place, name in enumerate("abcdef")}
    for name, prompt in prompts.items():
        converse(memory, sequences, name, prompt)
    assert memory.use.saved_bytes <= 2 * one + 8
    assert converse(memory, sequences, "d", [*prompts["d"], 7]) == 1
    assert converse(memory, sequences, "a", [*prompts["a"], 7]) == 42


def test_what_is_quicker_read_than_restored_is_not_kept() -> None:
    sequences = ListSequences(2)
    memory = ConversationMemory(sequences, 2, budget=1 << 20)
    for place, name in enumerate("abc"):
        prompt = [place, *range(40)]
        track = memory.open(name, prompt)
        read(sequences, memory, track, prompt)
        memory.measured(1_000_000, 1e-6)
        memory.close(track)
    assert memory.use.saved_bytes == 0


def test_a_new_conversation_begins_where_all_begin() -> None:
    sequences = ListSequences(4)
    memory = ConversationMemory(sequences, 4, budget=1 << 20)
    track = memory.open("a", [*SYSTEM, 1])
    read(sequences, memory, track, [*SYSTEM])
    memory.keep_beginning(track)
    memory.close(track)
    assert memory.begins(SYSTEM)
    assert converse(memory, sequences, "b", [*SYSTEM, 2, 3]) == 2


def test_a_second_reply_for_a_conversation_under_way_does_not_disturb_the_first() -> None:
    sequences = ListSequences(4)
    memory = ConversationMemory(sequences, 4, budget=1 << 20)
    first = memory.open("a", [1, 2, 3])
    read(sequences, memory, first, [1, 2, 3])
    second = memory.open("a", [1, 2, 9])
    read(sequences, memory, second, [1, 2, 9])
    assert first.sequence is not None
    assert sequences.held[first.sequence] == [1, 2, 3]
    memory.close(second)
    memory.close(first)
    assert memory.use.sequences == 1


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_a_common_beginning_is_common_and_the_longest(one: list[int], other: list[int]) -> None:
    length = common_length(one, other)
    assert one[:length] == other[:length]
    assert one[length : length + 1] != other[length : length + 1] or length == min(
        len(one), len(other)
    )


@pytest.mark.parametrize(
    ("layers", "heads", "width", "gib", "on_gpu", "sequences", "quantised"),
    [
        (6, 2, 128, 1, False, 5, False),  # The starter model.
        (28, 8, 128, 1, False, 2, False),  # 0.6 billion parameters.
        (28, 8, 128, 1, True, 4, True),
        (36, 8, 128, 1, False, 3, True),  # 4 billion.
        (36, 8, 128, 1.5, False, 2, False),
        (36, 8, 128, 1.5, True, 5, True),
        (36, 8, 128, 0.1, False, 2, True),
        (36, 8, 80, 1, True, 2, False),  # No blocks of 32 fit its heads.
    ],
)
def test_the_cache_is_planned_within_the_memory(
    layers: int,
    heads: int,
    width: int,
    gib: float,
    on_gpu: bool,
    sequences: int,
    quantised: bool,
) -> None:
    budget = int(gib * (1 << 30))
    plan = plan_cache(layers, heads, width, context=4096, budget=budget, on_gpu=on_gpu)
    assert (plan.sequences, plan.quantised) == (sequences, quantised)
    assert plan.bytes <= gib * (1 << 30) or plan.sequences == 2
