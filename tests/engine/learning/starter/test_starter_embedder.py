from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from engine.learning.starter.corpus import Policy, Question, Trade
from engine.learning.starter.embedder import (
    Company,
    EmbedderSetup,
    Pair,
    build,
    company_vectors,
    count_company,
    initial_weights,
    save,
    train_embedding_tokenizer,
    tune,
)
from engine.learning.starter.pairs import own_pairs
from engine.learning.starter.retrieval import Asked, FullText, ask, gain, recall
from engine.records import Turn

# 甲 and 乙 are never together but keep the same company; 丙 keeps another.
TEXTS = [f"{'甲' if n % 2 else '乙'} 买了 苹果 和 香蕉" for n in range(60)]
TEXTS += ["丙 修好 电灯 开关"] * 60


@pytest.fixture(scope="module")
def trade() -> Trade:
    policies = {
        "a": Policy("a", "退货", "退货", "邮费", "质量问题的退货邮费由我们承担。"),
        "b": Policy("b", "退货", "退货", "期限", "签收后七天内可以申请退货。"),
        "c": Policy("c", "会员", "会员", "积分", "积分满一百可以换礼品。"),
        "d": Policy("d", "会员", "会员", "升级", "消费满一千自动升级。"),
    }
    questions = (
        Question("q1", "plain", ["a"], [Turn("customer", "质量问题退货邮费谁承担")], "", []),
        Question("q2", "hard", ["c"], [Turn("customer", "积分能换啥礼品")], "", []),
        Question("q3", "abstain", [], [Turn("customer", "你们门口能停车吗")], "", []),
    )
    return Trade("shop", policies, questions)


def test_words_that_keep_the_same_company_lie_together() -> None:
    tokenizer = train_embedding_tokenizer(TEXTS, 400)
    company = count_company(tokenizer, TEXTS)
    vectors = company_vectors(company, 4, seed=1)
    one, other, third = (vectors[tokenizer.encode(word).ids[0]] for word in "甲乙丙")
    assert one @ other > one @ third + 0.3


def test_companies_add_up() -> None:
    tokenizer = train_embedding_tokenizer(TEXTS, 400)
    whole = count_company(tokenizer, TEXTS)
    parts = count_company(tokenizer, TEXTS[:50]) + count_company(tokenizer, TEXTS[50:])
    assert isinstance(parts, Company)
    assert np.allclose(whole.frequency, parts.frequency)
    assert abs(whole.together - parts.together).max() < 1e-3


def test_tuning_brings_questions_to_their_answers_and_the_folder_loads(tmp_path: Path) -> None:
    tokenizer = train_embedding_tokenizer(TEXTS, 400)
    weights = initial_weights(count_company(tokenizer, TEXTS), 8, seed=1)
    pairs = [Pair("甲", "丙修好"), Pair("乙", "丙修好", ("香蕉",)), Pair("开关", "电灯")] * 4
    setup = EmbedderSetup(dimension=8, steps=40, batch=4, rate=0.05)
    before = build(tokenizer, weights).encode(["甲", "丙修好"], show_progress_bar=False)
    after_model = build(tokenizer, tune(tokenizer, weights, pairs, setup))
    after = after_model.encode(["甲", "丙修好"], show_progress_bar=False)
    assert after[0] @ after[1] > before[0] @ before[1]

    save(after_model, tmp_path / "embedder", vector_weight=0.4, answerable=0.5)
    save(after_model, tmp_path / "embedder", vector_weight=0.25, answerable=0.6)
    from engine.knowledge.embedding import load_embedder

    loaded = load_embedder(tmp_path / "embedder")
    assert loaded.vector_weight == 0.25
    assert loaded.answerable == 0.6
    assert np.allclose(loaded.queries(["甲"])[0], after[0], atol=2e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["embedder"]


def test_pairs_take_hard_negatives_from_the_same_company(trade: Trade) -> None:
    pairs = own_pairs([trade], Random(2), copies=1)
    first = next(pair for pair in pairs if pair.query.startswith("质量"))
    assert "邮费由我们承担" in first.answer
    assert any("签收后七天" in other for other in first.others)
    assert all(first.answer != other for other in first.others)
    assert not any("停车" in pair.query for pair in pairs)


def test_full_text_finds_the_passage_that_shares_characters() -> None:
    full_text = FullText(["退货邮费由我们承担", "积分换礼品", "consumers return items"])
    assert int(full_text.scores("积分礼品").argmax()) == 1
    assert int(full_text.scores("return of an item").argmax()) == 2
    assert full_text.scores("xyz").max() == 0


def test_recall_is_counted_on_the_questions_that_have_an_answer() -> None:
    def asked(words: list[float], gold: tuple[int, ...]) -> Asked:
        scores = np.array(words)
        return Asked("t", "plain", scores, scores[::-1], gold)

    found = asked([5, 4, 3, 2, 1], (0,))
    missed = asked([5, 4, 3, 2, 1], (4,))
    unanswerable = asked([5, 4, 3, 2, 1], ())
    assert recall([found, missed, unanswerable], 0.0) == 0.5
    assert recall([missed], 1.0) == 1.0
    assert recall([unanswerable], 0.0) == 0.0
    assert gain([found, missed] * 30, 1.0, seed=1)[0] == 0.0
    mean, low, high = gain([missed] * 30 + [found], 1.0, seed=1)
    assert 0.8 < low <= mean <= high


def test_a_trade_is_asked_with_every_question_that_counts(trade: Trade) -> None:
    tokenizer = train_embedding_tokenizer(TEXTS, 400)
    model = build(tokenizer, initial_weights(count_company(tokenizer, TEXTS), 8, seed=1))
    rows = ask(trade, model, seed=1)
    assert [row.gold for row in rows] == [(0,), (2,), ()]
    assert recall(rows, 0.0) == 1.0


@pytest.mark.skipif(
    not (Path(__file__).parents[4] / "assets/models/starter-embedder").exists(),
    reason="the starter embedder is not there",
)
def test_the_shipped_embedder_loads_and_is_small() -> None:
    from engine.knowledge.embedding import load_embedder
    from engine.paths import STARTER_EMBEDDER

    embedder = load_embedder(STARTER_EMBEDDER)
    assert sum(path.stat().st_size for path in STARTER_EMBEDDER.rglob("*")) < 12_000_000
    near, far = embedder.passages(["退回商品的运费由谁承担", "重疾险的等待期为90天"])
    asked = embedder.queries(["退货邮费谁出"])[0]
    assert asked @ near > asked @ far + 0.1
