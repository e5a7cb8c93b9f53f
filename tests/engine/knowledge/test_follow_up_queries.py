"""Dialogues as people write them: what must be searched for the last turn, and what not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.knowledge.embedding import HashedEmbedder
from engine.knowledge.queries import standalone_query
from engine.knowledge.questions import read_question
from engine.records import Turn

REPAIR = ("c 洗衣机坏了，能上门修吗", "a 可以的，一年内免费上门检修。")
PROMOTION = ("c 你们双十一有什么活动", "a 满300减40，到11号结束。")
KETTLE = ("c My kettle is broken, can you repair it?", "a Yes, repairs are free within a year.")
SALE = ("c By the way, do you have a Black Friday sale?", "a Yes, 20% off until Sunday.")


def turns(*lines: str) -> list[Turn]:
    return [Turn("customer" if line[0] == "c" else "agent", line[2:]) for line in lines]


STANDS_ALONE = [
    (*REPAIR, "c 你们几点关门"),
    (*REPAIR, "c 礼品卡丢了可以补办吗"),
    (*REPAIR, "c 对了 发票抬头写错了怎么改"),
    (*REPAIR, "a 还有什么可以帮您？", "c 你们支持分期付款吗"),
    (*REPAIR, *PROMOTION, "c 会员积分什么时候过期"),
    (*REPAIR, "c 不是，我说的是烘干机"),
    ("c 你好", "a 您好，请问有什么可以帮您？", "c 快递三天没动了"),
    (*KETTLE, "c Do you ship to Norway?"),
    (*KETTLE, "c Another question, can I pay with a foreign credit card?"),
    (*KETTLE, *SALE, "c I lost my gift card, what now?"),
]


@pytest.mark.parametrize("lines", STANDS_ALONE, ids=lambda lines: lines[-1])
def test_a_question_that_stands_alone_stays_alone(lines: tuple[str, ...]) -> None:
    query = standalone_query(turns(*lines))
    assert query == lines[-1][2:]


REFERS = [
    # What was being spoken of.
    ((*REPAIR, "c 多少钱？"), "洗衣机", None),
    ((*REPAIR, "c 要收费吗"), "洗衣机", None),
    ((*REPAIR, "c 周末也可以吗"), "洗衣机", None),
    ((*REPAIR, "c 那运费呢"), "洗衣机", None),
    ((*REPAIR, "c 它保修多久"), "洗衣机", None),
    ((*REPAIR, "c 这种情况超过一年怎么办"), "洗衣机", None),
    ((*REPAIR, "c 為什麼"), "洗衣机", None),
    ((*REPAIR, *PROMOTION, "c 那个什么时候截止？"), "双十一", "洗衣机"),
    ((*REPAIR, *PROMOTION, "c 這個什麼時候結束"), "双十一", "洗衣机"),
    ((*REPAIR, *PROMOTION, "c 还有呢？"), "双十一", "洗衣机"),
    ((*REPAIR, *PROMOTION, "c 谢谢", "a 不客气", "c 那能和券一起用吗"), "双十一", "洗衣机"),
    (("c 冰箱保修几年", "a 三年。", "c 那空调呢？"), "冰箱", None),
    (("c 可以刷信用卡吗", "a 可以。", "c 手续费多少"), "信用卡", None),
    ((*KETTLE, "c how much?"), "kettle", None),
    ((*KETTLE, "c and if it's older than a year?"), "kettle", None),
    ((*KETTLE, "c What about toasters?"), "kettle", None),
    ((*KETTLE, *SALE, "c when does it end?"), "Black Friday", "kettle"),
    ((*KETTLE, *SALE, "c does that include coffee machines?"), "Black Friday", "kettle"),
    # What was broken off.
    ((*REPAIR, *PROMOTION, "c 刚才说的那个要收费吗"), "洗衣机", "双十一"),
    ((*REPAIR, *PROMOTION, "c 前面那个如果超过一年呢"), "洗衣机", "双十一"),
    ((*REPAIR, *PROMOTION, "c 好的，回到维修，需要准备什么"), "洗衣机", "双十一"),
    ((*REPAIR, *PROMOTION, "c 嗯嗯 之前问的那个几天能好"), "洗衣机", "双十一"),
    ((*REPAIR, *PROMOTION, "c 行 那说回刚才的，几点来"), "洗衣机", "双十一"),
    ((*REPAIR, "c 对了 你们有会员日吗", "a 每月18日。", "c 刚才那个要多久"), "洗衣机", "会员日"),
    (
        (*REPAIR, *PROMOTION, "c 积分会过期吗", "a 第二年年底过期。", "c 最开始那个问题，要多久"),
        "洗衣机",
        "积分",
    ),
    ((*KETTLE, *SALE, "c Back to the repair - how long does it take?"), "kettle", "Black"),
    ((*KETTLE, *SALE, "c The one I asked about earlier, is it free?"), "kettle", "Black"),
    ((*KETTLE, *SALE, "c my first question - do I need the receipt?"), "kettle", "Black"),
    # Words in common count for more than how far back it was.
    ((*REPAIR, *PROMOTION, "c 刚才那个双十一的怎么参加"), "双十一", "洗衣机"),
    ((*REPAIR, *PROMOTION, "c 那个洗衣机的什么时候来修"), "洗衣机", "双十一"),
    ((*KETTLE, *SALE, "c is that kettle thing free?"), "kettle", "Black"),
    # Taken up again, it is what is being spoken of.
    (
        (*REPAIR, *PROMOTION, "c 刚才说的那个要收费吗", "a 一年内免费。", "c 多久能来"),
        "洗衣机",
        "双十一",
    ),
    # Answers to what the agent asked.
    (("c 我要退货", "a 请问是什么商品呢？", "c 电饭煲"), "退货", None),
    (("c 我要退货", "a 请问是什么商品呢？", "c 上周买的电饭煲，没拆封"), "退货", None),
    (
        ("c I want to return something", "a What is it?", "c an unopened rice cooker"),
        "return",
        None,
    ),
    # One thought in several messages.
    (("c 洗衣机", "c 漏水了", "c 咋办"), "漏水", None),
    (("c 买的扫地机我妈不会用", "c 她天天打电话问我 我又在外地", "c 愁死了"), "扫地机", None),
]


@pytest.mark.parametrize(("lines", "has", "lacks"), REFERS, ids=[r[0][-1] for r in REFERS])
def test_a_question_that_refers_back_brings_what_it_refers_to(
    lines: tuple[str, ...], has: str, lacks: str | None
) -> None:
    query = standalone_query(turns(*lines))
    assert has in query
    assert lacks is None or lacks not in query


@pytest.mark.parametrize(
    ("lines", "query"),
    [
        (("c 你好，请问礼品卡可以退吗？谢谢",), "礼品卡可以退吗？"),
        (("c 亲 在吗",), "亲 在吗"),
        (("c 怎么退货", "c 谢谢"), "怎么退货"),
        (("c Hello, how do I return a kettle? Thanks!",), "how do I return a kettle?"),
        (("a 您好", "a 在吗"), ""),
        ((), ""),
        (("c 好的耳机有吗",), "好的耳机有吗"),
    ],
)
def test_greetings_and_thanks_are_no_part_of_a_query(lines: tuple[str, ...], query: str) -> None:
    assert standalone_query(turns(*lines)) == query


def test_pointing_words_are_not_searched_for() -> None:
    query = standalone_query(turns(*REPAIR, *PROMOTION, "c 刚才说的那个要收费吗"))
    assert "刚才" not in query and query.endswith("要收费吗")


@given(
    st.lists(
        st.builds(
            Turn,
            st.sampled_from(["customer", "agent", "system"]),
            st.one_of(
                st.text(max_size=40),
                st.sampled_from(
                    ["刚才那个", "谢谢", "还有呢", "how much?", "水壶坏了", "\ud800", "好" * 3000]
                ),
            ),
        ),
        max_size=12,
    )
)
def test_any_conversation_gives_a_bounded_query_from_its_own_words(turns: list[Turn]) -> None:
    query = standalone_query(turns)
    assert len(query) <= 4000 + 5 * 161
    query.encode()
    if not any(turn.role == "customer" for turn in turns):
        assert query == ""


def test_what_was_left_behind_has_no_say_in_a_thread_that_is_taken_up_again() -> None:
    turns = [
        Turn("customer", "电水壶不通电了 才买俩月"),
        Turn("agent", "亲，保修期内可以免费上门检修，不用您出钱。"),
        Turn("customer", "哦对了 取暖器现在有啥活动没"),
        Turn("agent", "取暖季同款第二件半价，到12月31日。"),
    ]
    embedder = HashedEmbedder(64, 0.3)

    def told(asked: str) -> tuple[str, str]:
        newest = Turn("customer", asked)
        question = read_question(asked, [*turns, newest], embedder, lambda text: text)
        return "".join(question.wish.told_forms[0]), "".join(question.talk.forms[0])

    for said in told("行 那刚才说的那个 师傅啥时候来"):
        assert "水壶" in said
        assert "取暖" not in said
    for said in told("那第二件得是一样的颜色不"):
        assert "取暖" in said
