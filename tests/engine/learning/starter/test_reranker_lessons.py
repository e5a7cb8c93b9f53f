"""What the reranker learns from: whole companies, and small ones that know a few policies."""

from __future__ import annotations

from engine.knowledge.embedding import HashedEmbedder
from engine.learning.starter.corpus import Policy, Question, Trade
from engine.learning.starter.lessons import Lesson, lessons
from engine.learning.starter.reranker_recipe import learn_wording, remember
from engine.records import Turn


def shop(name: str, lot: str) -> Trade:
    """Eight policies with a question each, and one that nothing answers."""
    goods = ("冰箱", "空调", "水壶", "电扇", "台灯", "书桌", "沙发", "窗帘")
    policies = {
        f"{name}-{n}": Policy(f"{name}-{n}", thing, thing, "安装", f"{thing}安装要{n}天。")
        for n, thing in enumerate(goods, 2)
    }
    questions = [
        Question(f"q{n}", "plain", [n], [Turn("customer", f"{p.doc}安装几天")], "", [p.text])
        for n, p in policies.items()
    ]
    none = Question(f"{name}-none", "abstain", [], [Turn("customer", "老板姓啥")])
    return Trade(name, policies, (*questions, none), lot)


def taught() -> list[Lesson]:
    embedder = HashedEmbedder(64, 0.3)
    trades = [shop("one", "spring"), shop("two", "autumn")]
    memory, wording = remember(trades, embedder, 1), learn_wording(trades, 1)
    return list(lessons(trades, embedder, memory, wording, 1, neighbours=trades))


def test_every_question_is_asked_once_and_some_again_of_small_companies() -> None:
    found = taught()
    usual = [one for one in found if not one.small]
    assert [one.trade for one in usual] == ["one"] * 9 + ["two"] * 9
    assert {(one.trade, one.lot) for one in found} == {("one", "spring"), ("two", "autumn")}
    small = [one for one in found if one.small]
    # Five companies each, of 1, 1, 2, 3 and 5 policies with one sentence and one question each.
    assert sum(one.kind == "plain" for one in small) == 2 * (1 + 1 + 2 + 3 + 5)
    assert sum(one.kind == "abstain" for one in small) == 2 * 5
    assert max(len(one.right) for one in small) == 5
    assert all(one.right.sum() == 1 for one in found if one.kind == "plain")
    assert not any(one.right.any() or one.sample.answerable for one in found if one.kind != "plain")


def test_lessons_are_the_same_again() -> None:
    first, again = taught(), taught()
    assert [one.owners for one in first] == [one.owners for one in again]
