"""Wordings are proposed from what the store holds: no names, no numbers, nothing known already."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.knowledge.own_wordings import add_pair
from engine.knowledge.synonyms import synonyms_of
from engine.knowledge.vocabulary import Vocabulary, read_vocabulary
from engine.learning.personal import without_personal
from engine.learning.wordings import Observed, Proposal, observe, propose, propose_for
from engine.records import Draft, Evidence
from engine.store.rows import MissedQuestion
from engine.store.store import Store, open_store

NOW = 1_800_000_000.0
DAY = 86400.0


def asked(question: str, answer: str = "", customer: str = "", days: float = 0.0) -> MissedQuestion:
    return MissedQuestion(question, customer, f"c{question}", NOW - days * DAY, "gap", answer)


def proposals(knowledge: Path, *questions: MissedQuestion) -> dict[str, Proposal]:
    found = propose_for(knowledge, Observed(questions), now=NOW)
    return {one.said: one for one in found}


def test_what_two_customers_say_gets_the_word_of_what_answered_them(knowledge_folder: Path) -> None:
    found = proposals(
        knowledge_folder,
        asked("壶嘴漏汤了咋整", "您好，保修期内可以上门检修。"),
        asked("又壶嘴漏汤", "可以上门检修，师傅会联系您。"),
        asked("收不到件", "退货的邮费由客户承担。"),
    )
    assert found["壶嘴漏汤"].policies[0] == "上门检修"
    assert found["壶嘴漏汤"].count == 2
    assert found["壶嘴漏汤"].examples == ("壶嘴漏汤了咋整", "又壶嘴漏汤")


def test_english_words_are_proposed_too(knowledge_folder: Path) -> None:
    found = proposals(
        knowledge_folder,
        asked("How long does dispatching take?", "Delivery takes 3 working days."),
        asked("is dispatching to the island possible", "Delivery is free over 59 yuan."),
    )
    assert found["dispatching"].policies[0] == "delivery"


def test_without_an_answer_the_policys_word_is_left_open(knowledge_folder: Path) -> None:
    found = proposals(knowledge_folder, asked("有花呗吗"))
    assert found["花呗"].policies == ()


def test_a_draft_that_was_changed_names_the_passage_it_should_have_quoted(
    knowledge_folder: Path,
) -> None:
    evidence = Evidence(1, "家电维修.md", "家电维修", "上门检修", "保修期内免费上门检修。", 0.5)
    changed = MissedQuestion(
        "水壶罢工咯",
        "甲",
        "c1",
        NOW,
        "changed",
        answer="收到。保修期内免费上门检修。",
        drafted="收到。",
        evidence=(evidence,),
    )
    assert "上门检修" in proposals(knowledge_folder, changed)["罢工咯"].policies
    same = MissedQuestion("水壶罢工咯", "甲", "c1", NOW, "changed", "可以退货。", "可以退货。")
    assert proposals(knowledge_folder, same)["罢工咯"].policies == ()


def test_often_and_lately_come_first(knowledge_folder: Path) -> None:
    questions = [
        *(asked(f"{'再三' * number}有花呗吗", days=1) for number in range(3)),
        asked("白条支持不", days=200),
        asked("云闪付支持不", days=2),
    ]
    found = list(proposals(knowledge_folder, *questions))
    assert found.index("花呗") < found.index("云闪付") < found.index("白条")


def test_one_customer_is_one_however_often_asked(knowledge_folder: Path) -> None:
    twice = [MissedQuestion(f"有花呗吗{end}", "甲", "c1", NOW, "gap") for end in "？！"]
    assert proposals(knowledge_folder, *twice)["花呗"].count == 1


def test_what_is_known_is_not_proposed(knowledge_folder: Path, tmp_path: Path) -> None:
    known = proposals(
        knowledge_folder,
        asked("你好，请问在吗，麻烦快点谢谢"),
        asked("hello, can you please help me asap thanks"),
        asked("热水壶保修期"),
    )
    assert known == {}
    # 运险 is in the table for a word that this company's knowledge does not hold: no help.
    vocabulary = read_vocabulary(knowledge_folder)
    add_pair(tmp_path, "壶嘴漏汤", "上门检修")
    add_pair(tmp_path, "云闪付", "扫码付款")
    table, _ = synonyms_of(tmp_path)
    questions = Observed((asked("壶嘴漏汤"), asked("云闪付")))
    assert [one.said for one in propose(questions, vocabulary, table, now=NOW)] == ["云闪付"]


def test_what_was_dismissed_is_not_proposed_again(knowledge_folder: Path) -> None:
    observed = Observed((asked("有花呗吗"),), frozenset({"花呗"}))
    assert propose_for(knowledge_folder, observed, now=NOW) == []


def test_without_knowledge_nothing_is_proposed(tmp_path: Path) -> None:
    assert propose_for(tmp_path, Observed((asked("有花呗吗"),))) == []


PERSONAL = [
    ("我叫钱多多，花呗能用吗", "", ["钱多多", "多多"]),
    ("我是孙悟空，花呗能用吗", "", ["孙悟空", "悟空"]),
    ("沙和尚问花呗", "沙和尚", ["沙和尚"]),
    ("猪悟能问花呗", "猪悟能", ["猪悟能"]),
    ("赵悟净：花呗，悟净再问", "赵悟净", ["悟净"]),
    ("我电话13800000000花呗", "", ["13800000000"]),
    ("微信 wukong_001 花呗", "", ["wukong", "001"]),
    ("邮箱 wukong@example.com 花呗", "", ["wukong", "example"]),
    ("寄到花果山省水帘洞路88号三单元，花呗付", "", ["花果山", "水帘洞", "88"]),
    ("地址：桃源路5号楼，花呗付", "", ["桃源"]),
    ("一三八零零零零零零零零是我电话，花呗", "", ["一三八"]),
    ("my name is Monkey King, huabei ok?", "", ["monkey", "king"]),
    ("this is from Sandy Monk about huabei", "Sandy Monk", ["sandy", "monk"]),
    ("sent to Flowerhill by huabei", "", ["flowerhill"]),
    ("唐僧的花呗", "", ["唐僧"]),
]


@pytest.mark.parametrize(("question", "customer", "secret"), PERSONAL)
def test_nothing_personal_is_proposed_or_shown(
    question: str, customer: str, secret: list[str], knowledge_folder: Path
) -> None:
    found = proposals(knowledge_folder, asked(question, "好的，可以退货。", customer))
    shown = without_personal(question, customer).lower()
    assert "花呗" in shown or "huabei" in shown
    for one in secret:
        assert all(one not in said for said in found)
        if one != "唐僧":
            assert one not in shown


def test_a_possible_name_waits_for_a_second_customer(knowledge_folder: Path) -> None:
    assert proposals(knowledge_folder, asked("方便面能寄吗")) == {}
    assert "方便面" in proposals(knowledge_folder, asked("方便面能寄吗"), asked("要方便面"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=400), max_size=6), st.text(max_size=200), st.text(max_size=20))
def test_any_text_makes_clean_proposals(texts: list[str], answer: str, customer: str) -> None:
    vocabulary = _vocabulary()
    table, _ = synonyms_of(Path("nowhere"))
    questions = tuple(asked(text, answer, customer) for text in texts)
    for one in propose(Observed(questions), vocabulary, table, now=NOW):
        assert not any(char.isdigit() for char in one.said)
        assert 1 < len(one.said) < 200
        assert not vocabulary.says(one.said)
        assert all(vocabulary.says(policy) for policy in one.policies)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["哈", "寄", "张路", "<b>", "Aa ", "a@", "1-", "路1"])
def test_a_message_of_a_megabyte_takes_no_longer_than_a_short_one(part: str) -> None:
    vocabulary = _vocabulary()
    table, _ = synonyms_of(Path("nowhere"))
    long = asked(part * (1_000_000 // len(part)), "退货" * 100_000, part * 1000)
    for one in propose(Observed((long,)), vocabulary, table, now=NOW):
        assert len(one.said) < 100


def _vocabulary() -> Vocabulary:
    from engine.knowledge.grams import Weights

    documents = ["运费由本店承担，退货七天内。", "上门检修免费。", "Delivery takes three days."]
    return Vocabulary(Weights.of(documents), ["运费", "退货"])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "zuoxi.db")


def test_from_gap_to_proposal_to_dismissal_in_a_real_store(
    store: Store, knowledge_folder: Path
) -> None:
    for customer in ("甲", "乙"):
        message = store.conversations.receive(customer, f"{customer}问壶嘴漏汤")
        store.keep_draft(message.conversation, message.id, Draft("abstained", reason="没有依据"))
        store.decisions.record(message.conversation, "rewritten", text="可以上门检修。")
    (found,) = propose_for(knowledge_folder, observe(store))
    assert (found.said, found.count) == ("壶嘴漏汤", 2)
    assert found.policies[0] == "上门检修"
    store.missed.dismiss(found.said)
    assert propose_for(knowledge_folder, observe(store)) == []
    store.close()
