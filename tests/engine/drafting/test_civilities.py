"""Who only greets or thanks gets no policy recited, and the knowledge has no gap for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from drawing import draw, outcome

from engine.drafting.civilities import asks_nothing
from engine.drafting.finishing import sentences_closed
from engine.drafting.pipeline import Drafter
from engine.drafting.quoting import quotable_sentences
from engine.drafting.scripted import ScriptedGenerator
from engine.records import Evidence
from engine.store.store import open_store


@pytest.mark.parametrize(
    "message",
    [
        "谢谢啦",
        "谢谢你们了！",
        "您好，",
        "thank you so much!",
        "Hi, thanks a lot :)",
        "拜拜～",
        "谢谢啊,没别的事了",
        "没有其他问题了，谢谢",
        "那就先这样，辛苦啦",
        "That's all, thanks",
        "👍",
        " ",
    ],
)
def test_civilities_ask_nothing(message: str) -> None:
    assert asks_nothing(message)


@pytest.mark.parametrize(
    "message",
    [
        "你好？",
        "好的",
        "ok",
        "谢谢，那兔子呢",
        "没别的事，就是想退货",
        "就这样算了我不服",
        "nothing else works",
        "你好 猫多少钱",
        "thank you for nothing",
        "123",
        "谢" * 59 + "钱",
    ],
)
def test_what_may_ask_or_answer_is_no_mere_civility(message: str) -> None:
    assert not asks_nothing(message)


def test_thanks_are_not_answered_from_the_knowledge_and_leave_no_gap(
    make_drafter: Callable[..., Drafter], tmp_path: Path
) -> None:
    generator = ScriptedGenerator(["保修期"])
    draft = outcome(draw(make_drafter(generator), "谢谢你们！"))
    assert (draft.status, draft.category, draft.text) == ("abstained", "nothing_asked", "")
    assert generator.seen == []
    with open_store(tmp_path / "zuoxi.db") as store:
        received = store.conversations.receive("测试客户", "谢谢你们！")
        store.keep_draft(received.conversation, received.id, draft)
        assert store.gaps.list() == []


def evidence(text: str, title: str = "", section: str = "") -> list[Evidence]:
    """One passage as it comes from a search."""
    return [Evidence(n=1, doc="a.txt", title=title, section=section, text=text, score=1.0)]


def test_the_name_of_a_text_without_headings_is_not_quoted() -> None:
    english = evidence("Pets on board\n\nTwo dogs are welcome. Cats are not.", title="pets")
    assert list(quotable_sentences(english, "en")) == ["Two dogs are welcome.", "Cats are not."]
    titled = evidence("接送服务\n五公里以内免费。", title="接送服务")
    assert list(quotable_sentences(titled, "zh")) == ["五公里以内免费。"]


def test_lines_that_say_something_are_quoted_without_a_full_stop_too() -> None:
    for lines in (
        "定金30%\n\n余款在接走时付清。",
        "全程免费\n提前一天预约。",
        "免费停车\n\n不收押金",
    ):
        assert next(iter(quotable_sentences(evidence(lines), "zh"))) == lines.split("\n")[0]
    under_a_heading = evidence("全程免费\n\n提前一天预约。", section="接送")
    assert "全程免费" in quotable_sentences(under_a_heading, "zh")


def test_a_quotation_that_ends_with_a_semicolon_is_closed() -> None:
    assert (
        sentences_closed("口服药免费代喂；[1]另外，打针不做。[1]", "zh")
        == "口服药免费代喂。[1]另外，打针不做。[1]"
    )
    assert sentences_closed("甲；乙。[1]", "zh") == "甲；乙。[1]"


def test_a_quotation_without_a_mark_at_its_end_is_closed() -> None:
    """An item of a list, or a cell of a table."""
    said = "换皮表带60元起[1]另外，截短免费[1][2]还有，满100元（含税）[2]"
    closed = "换皮表带60元起。[1]另外，截短免费。[1][2]还有，满100元（含税）。[2]"
    assert sentences_closed(said, "zh") == closed
    assert sentences_closed("Straps from £60[1] One more thing: Cuts are free[2]", "en") == (
        "Straps from £60.[1] One more thing: Cuts are free.[2]"
    )
    for whole in (
        closed,
        "真的吗？[1]另外，可以！[2]",
        "It is.[1]",
        "他说「可以。」[1]",
        "含运费[1]，不含税。[2]",
    ):
        assert sentences_closed(whole, "zh") == whole
