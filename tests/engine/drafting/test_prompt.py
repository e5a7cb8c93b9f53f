"""The prompt keeps what matters within its budget, and nobody's text becomes a control token."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.drafting.prompt import build_messages, reply_language, source_line
from engine.drafting.style import StyleProfile, Wording
from engine.records import Evidence, Turn

STYLE = StyleProfile("s", Wording("温暖", "Warm"), Wording("语气亲切。", "Be kind."))
EVIDENCE = [
    Evidence(1, "a.md", "售后指引", "检修", "保修期内免费上门检修。", 1.0),
    Evidence(2, "b.md", "退换", "期限", "签收后7天内可以退货。", 0.9),
]


def build(turns: list[Turn], budget: int = 2000, **options: object):
    return build_messages(turns, EVIDENCE, STYLE, "zh", budget=budget, count=len, **options)


def test_evidence_stands_at_the_very_end() -> None:
    messages = build([Turn("customer", "坏了咋整")])
    assert [message.role for message in messages] == ["system", "user"]
    assert messages[-1].content.startswith("坏了咋整")
    assert messages[-1].content.endswith(source_line(EVIDENCE[-1]))


def test_the_system_message_is_the_same_for_every_conversation() -> None:
    one = build([Turn("customer", "坏了")])[0]
    other = build([Turn("customer", "发票"), Turn("agent", "好"), Turn("customer", "快点")])[0]
    assert one == other
    assert "语气亲切" in one.content


def test_consecutive_turns_of_one_side_become_one_message() -> None:
    turns = [
        Turn("customer", "在吗"),
        Turn("customer", "买的水壶"),
        Turn("agent", "您好"),
        Turn("customer", "坏了"),
        Turn("customer", "咋整"),
    ]
    messages = build(turns)
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[1].content == "在吗\n买的水壶"
    assert messages[3].content.startswith("坏了\n咋整")


def test_the_oldest_turns_go_first_when_room_is_short() -> None:
    turns = [Turn("customer" if i % 2 == 0 else "agent", f"第{i}句" * 20) for i in range(41)]
    contents = " ".join(message.content for message in build(turns, budget=900))
    assert "第40句" in contents
    assert "第39句" in contents
    assert "第0句" not in contents


def test_a_huge_message_keeps_its_beginning_and_end() -> None:
    messages = build([Turn("customer", "开头" + "水" * 1_000_000 + "结尾")], budget=900)
    assert sum(len(message.content) for message in messages) < 1100
    assert messages[-1].content.startswith("开头")
    assert "结尾" in messages[-1].content
    assert "[2]" in messages[-1].content


def test_what_a_former_try_was_stopped_for_is_named() -> None:
    assert "保证退款" in build([Turn("customer", "退吗")], avoid=["保证退款"])[-1].content


@given(
    st.lists(
        st.builds(Turn, st.sampled_from(["customer", "agent", "system"]), st.text()), max_size=8
    ),
    st.integers(200, 2000),
)
def test_any_conversation_stays_about_within_the_budget(turns: list[Turn], budget: int) -> None:
    messages = build(turns, budget=budget)
    assert messages[0].role == "system"
    assert messages[-1].role == "user"
    assert sum(len(message.content) for message in messages) <= budget + 400


def test_the_reply_is_in_the_language_of_the_newest_message_that_shows_one() -> None:
    assert reply_language([Turn("customer", "do you ship?")], "zh") == "en"
    assert reply_language([Turn("customer", "寄吗"), Turn("agent", "Yes")], "en") == "zh"
    assert reply_language([Turn("customer", "hello there"), Turn("customer", "??")], "zh") == "en"
    assert reply_language([Turn("customer", "??")], "en") == "en"


def conversation(rounds: int) -> list[Turn]:
    """A conversation whose drafts rested on changing passages, some of them more than once."""
    turns = []
    for number in range(rounds):
        evidence = tuple(
            Evidence(
                n,
                "a.md",
                f"指引{place}",
                "检修",
                f"第{place}条规定的内容在这里，一共有{place}款。",
                1.0,
            )
            for n, place in enumerate((number, number + 1, number // 2), start=1)
        )
        turns.append(Turn("customer", f"第{number}个问题，怎么办", evidence))
        turns.append(Turn("agent", f"第{number}个回答。"))
    return turns


def written(turns: list[Turn], budget: int) -> list[str]:
    evidence = turns[-1].evidence
    messages = build_messages(turns, evidence, STYLE, "zh", budget=budget, count=len)
    return [f"{message.role}: {message.content}" for message in messages]


def test_a_conversations_prompt_only_grows() -> None:
    turns = conversation(10)
    before = written(turns[:1], 20_000)
    for end in range(3, 20, 2):
        now = written(turns[:end], 20_000)
        assert now[: len(before)] == before
        before = now


def test_a_passage_that_stands_in_the_prompt_is_referred_to_and_not_repeated() -> None:
    turns = conversation(4)
    text = "\n".join(written(turns[:7], 20_000))
    assert text.count("第1条规定的内容在这里，一共有1款。") == 1
    assert "[2] 指引1 › 检修：" in text
    assert "[3] 指引1 › 检修：第1条规定的内容在这里，…（见上）" in text


def test_where_turns_must_go_they_go_several_at_a_time() -> None:
    turns = conversation(60)
    firsts = [written(turns[: 2 * end + 1], 900)[1] for end in range(20, 60)]
    changes = sum(one != other for one, other in pairwise(firsts))
    assert 0 < changes <= len(firsts) / 3
    assert all(sum(map(len, written(turns[: 2 * end + 1], 900))) < 1300 for end in range(20, 60))


def test_a_conversation_without_a_customers_last_word_is_still_asked_about() -> None:
    assert build([Turn("customer", "在吗"), Turn("agent", "您好")])[-1].role == "user"
    assert build([])[-1].role == "user"
