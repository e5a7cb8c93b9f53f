"""Numbers stand in a draft only when they stand in its sources."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.drafting.grounding import GroundedNumbers
from engine.drafting.quantities import is_plain, quantities
from engine.records import Evidence

POLICY = (
    "签收后7天内可以退货，3个工作日到账，运费0元，有效期至2026年11月30日，每天9:00–21:00。"
    "Free returns within 30 days, a $5.00 fee and three business days, 10% off."
)


def evidence(text: str = POLICY, n: int = 1) -> Evidence:
    return Evidence(n, "a.md", "退货", "期限", text, 1.0)


def numbers(text: str = POLICY, *said: str) -> GroundedNumbers:
    return GroundedNumbers([evidence(text)], said)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("签收后7天内", [("7", "天")]),
        ("七天无理由", [("7", "天")]),
        ("２４小时内", [("24", "小时")]),
        ("¥19.90", [("19.9", "元")]),
        ("1,299元", [("1299", "元")]),
        ("百分之五", [("5", "%")]),
        ("5％", [("5", "%")]),
        ("二十五个工作日", [("25", "工作日")]),
        ("满500元减40元[1]", [("500", "元"), ("40", "元")]),
        ("11月30日前", [("11-30", "date")]),
        ("2026-11-30", [("2026-11-30", "date")]),
        ("22：00后", [("22:00", "time")]),
        ("within 30 days", [("30", "天")]),
        ("three business days", [("3", "工作日")]),
        ("电话13800138000谢谢", [("13800138000", "")]),
        ("一定给您办好，一起加油，万一不行", []),
        ("one of us", []),
        ("2万元", [("20000", "元")]),
        ("1.5万", [("15000", "")]),
        ("3千米", [("3", "公里")]),
        ("壹佰元整", [("100", "元")]),
        ("八五折", [("8.5", "折")]),
        ("千分之三", [("3", "‰")]),
        ("一年半内", [("1.5", "年")]),
        ("两个半小时", [("2.5", "小时")]),
        ("半年后", [("0.5", "年")]),
        ("十二月三十一日前", [("12-31", "date")]),
        ("by Nov. 30th, 2026", [("2026-11-30", "date")]),
        ("30 November", [("11-30", "date")]),
        ("twenty-five days", [("25", "天")]),
        ("a hundred and five days", [("105", "天")]),
        ("USD 20", [("20", "$")]),
        ("3 thousand yuan", [("3000", "元")]),
        ("a 14-day trial", [("14", "天")]),
        ("3-5天", [("3", "天"), ("5", "天")]),
        ("5 to 7 business days", [("5", "工作日"), ("7", "工作日")]),
        ("万一天气不好", []),
        ("7元VIP专享", [("7", "元")]),
        ("5 minutesold", [("5", "")]),
        ("第三十天", []),
        ("见[2]", []),
    ],
)
def test_quantities_are_read_in_any_writing(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(item.value, item.unit) for item in quantities(text)] == expected


@pytest.mark.parametrize("piece", ["a", "一", "1,", "1-", "半", "百分之", "five ", "Nov 3 "])
def test_a_long_message_is_read_in_no_time(piece: str) -> None:
    """Quadratic time would keep this test for hours."""
    assert len(quantities(piece * 200_000)) >= 0


@pytest.mark.parametrize("piece", ["delivery ", "退货，", "a", "Ab "])
def test_long_plain_text_that_ends_in_a_number_is_told_in_no_time(piece: str) -> None:
    """Backtracking would keep this test for ever."""
    assert is_plain(piece * 20_000)
    assert not is_plain(piece * 20_000 + "[1]")


@pytest.mark.parametrize(
    ("said", "unit"), [("三hrſ", "小时"), ("5mıns", "分钟"), ("5MİNS", "分钟")]
)
def test_letters_that_only_look_alike_in_capitals_are_read_as_units(said: str, unit: str) -> None:
    assert [quantity.unit for quantity in quantities(said)] == [unit]


@given(st.lists(st.sampled_from([*"0一半百9 -年天月折x三h¥$[]ſıİ", "hrs", "rmb", "three", "May"])))
def test_every_mixture_of_what_numbers_are_made_of_is_read(parts: list[str]) -> None:
    text = "".join(parts)
    for quantity in quantities(text):
        assert quantity.value
        assert 0 <= quantity.start < quantity.end <= len(text)


@given(st.text(max_size=200))
def test_quantities_are_slices_in_order_of_any_text(text: str) -> None:
    end = 0
    for item in quantities(text):
        assert end <= item.start < item.end <= len(text)
        end = item.end


@pytest.mark.parametrize(
    "text",
    [
        "签收后7天内可以退",
        "七天内都行。",
        "三个工作日到账",
        "11月30日之前",
        "运费是0元",
        "within thirty days of it",
        "a 5 dollar fee",
        "9:00开门",
        "[1]",
    ],
)
def test_what_the_evidence_says_may_be_said(text: str) -> None:
    assert numbers().violation(text, final=True) is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("签收后8天内", "8天"),
        ("签收后7元", "7元"),
        ("十五天内", "十五天"),
        ("11月15日之前", "11月15日"),
        ("within 30 weeks.", "30 weeks"),
        ("打9折", "9折"),
        ("$6 fee", "$6"),
        ("依据[2]", "[2]"),
        ("打400-123-4567", "400-123-4567"),
    ],
)
def test_what_it_does_not_say_may_not(text: str, wrong: str) -> None:
    violation = numbers().violation(text, final=True)
    assert violation is not None
    assert violation.text == wrong


def test_the_conversation_is_a_source_too() -> None:
    assert numbers(POLICY, "我买了2台").violation("您的2台", final=True) is None
    assert numbers(POLICY).violation("您的2台", final=True) is not None


@pytest.mark.parametrize("text", ["签收后7", "2026年11月3", "within 30 da", "三个工", "$5", "11月"])
def test_a_number_that_may_still_become_right_is_let_grow(text: str) -> None:
    assert numbers().violation(text, final=False) is None


@pytest.mark.parametrize("text", ["签收后8", "打4", "$6", "保修一年", "3天ze"])
def test_a_number_that_cannot_become_right_is_stopped_at_once(text: str) -> None:
    assert numbers().violation(text, final=False) is not None


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ("退款3-5天到账", "3-5天到账。"),
        ("3~5个工作日", "3~5个工作日。"),
        ("每天9:00-18:00营业", "9:00-18:00都有人。"),
        ("电话400-800-1234", "请拨400-800-1234。"),
        ("2026年11月30日截止", "11月30日截止。"),
        ("保修一年半", "保修一年半。"),
        ("1299元", "1,299.00元。"),
        ("11月25日24点结束", "11月25日24点结束。"),
        ("10000元", "1万元。"),
        ("5-7 business days", "It takes 5-7 business days."),
        ("until November 30, 2026", "It ends on November 30."),
        ("until November 30, 2026", "It ends on 30 November 2026."),
    ],
)
def test_what_is_known_passes_letter_by_letter(known: str, said: str) -> None:
    grounded = numbers(known)
    for end in range(len(said) + 1):
        assert grounded.violation(said[:end], final=False) is None, said[:end]
    assert grounded.violation(said, final=True) is None


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ("运费3元，5天到", "3-5天到。"),
        ("2天到，1元运费", "2万元。"),
        ("保修一年", "保修一年半。"),
        ("保修一年", "保修半年。"),
        ("两小时内", "两个半小时内。"),
        ("5元", "壹佰元。"),
        ("5%", "5‰。"),
        ("30天", "30斤。"),
        ("20元", "USD 20."),
        ("5 days", "within twenty-five days."),
        ("5 days", "within thirteen days."),
        ("1 day", "within one hundred days."),
        ("until November 30", "until December 30."),
        ("7 days", "half a year."),
    ],
)
def test_a_known_number_in_another_sense_does_not_pass(known: str, said: str) -> None:
    assert numbers(known).violation(said, final=True) is not None


@given(st.integers(0, 10_000), st.sampled_from(["天", "元", "%", "小时", "个工作日", "折"]))
def test_any_quantity_of_the_evidence_passes_letter_by_letter(value: int, unit: str) -> None:
    grounded = numbers(f"规定是{value}{unit}。")
    text = f"按规定是{value}{unit}，请放心。"
    for end in range(len(text) + 1):
        assert grounded.violation(text[:end], final=False) is None, text[:end]
    assert grounded.violation(text, final=True) is None


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from(["天", "元", "%"]))
def test_another_value_never_passes(said: int, known: int, unit: str) -> None:
    grounded = numbers(f"规定是{known}{unit}。")
    violated = grounded.violation(f"是{said}{unit}。", final=True) is not None
    assert violated == (said != known)


def test_each_number_is_traced_to_where_it_stands() -> None:
    grounded = GroundedNumbers([evidence("退款3天到账。"), evidence("运费5元。", 2)], ["买了2件"])
    traced = grounded.trace("您的2件，3天到账，运费**5元**，送9个。")
    assert [(item.text, item.source, item.n) for item in traced] == [
        ("2件", "conversation", 0),
        ("3天", "evidence", 1),
        ("5元", "evidence", 2),
    ]
    assert [span.text for span in grounded.unsupported("3天，9天。")] == ["9天"]
