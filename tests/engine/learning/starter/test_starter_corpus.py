from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.learning.starter.chat import SampleMaker
from engine.learning.starter.corpus import (
    Trade,
    draw_values,
    fill,
    fill_answer,
    in_lots,
    load_trade,
    load_trades,
    other_numbers,
)
from engine.learning.starter.own_tasks import OwnTasks, make_case, quotation
from engine.learning.starter.tiny import tiny_tokenizer

POLICY = {
    "type": "policy",
    "id": "shop-1",
    "doc": "退货",
    "title": "退货",
    "section": "邮费",
    "text": "签收后{days}内可以退货。邮费{fee}由您承担。",
    "slots": {"days": ["7天", "15天"], "fee": ["10元", "12元"]},
}
OTHER = POLICY | {"id": "shop-2", "section": "换货", "text": "换货免费。", "slots": {}}
QUESTION = {
    "type": "question",
    "id": "q-1",
    "kind": "hard",
    "policies": ["shop-1"],
    "turns": [{"role": "customer", "text": "不想要了咋整"}],
    "answer": "{days}内能退[shop-1]，邮费{fee}要您出[shop-1]。",
    "sentences": ["邮费{fee}由您承担。", "签收后{days}内可以退货。"],
}


def write(path: Path, rows: list[object]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def trade(tmp_path: Path) -> Trade:
    found, problems = load_trade(write(tmp_path / "shop.jsonl", [POLICY, OTHER, QUESTION]))
    assert problems == []
    return found


def test_a_bad_line_is_named_by_its_number_and_the_rest_is_kept(tmp_path: Path) -> None:
    rows = [
        POLICY,
        "{broken",
        QUESTION | {"policies": ["nowhere"]},
        "",
        POLICY | {"id": "shop-3", "text": "{nothing}天"},
        QUESTION | {"sentences": ["没有这句。"]},
        QUESTION | {"turns": [{"role": "agent", "text": "您好"}]},
        POLICY,
        QUESTION,
    ]
    write(tmp_path / "shop.jsonl", rows)
    trades, problems = load_trades(tmp_path)
    assert [line.split(":")[:2] for line in problems] == [
        ["shop.jsonl", str(n)] for n in (2, 3, 5, 6, 7, 8)
    ]
    assert list(trades[0].policies) == ["shop-1"]
    assert len(trades[0].questions) == 1


def test_trades_come_by_what_was_written_together(tmp_path: Path) -> None:
    for name in "abcdefg":
        write(tmp_path / f"{name}.jsonl", [POLICY, QUESTION])
    (tmp_path / "lots.json").write_text('{"a": "spring", "c": "spring", "d": "autumn"}', "utf-8")
    trades, _ = load_trades(tmp_path)
    lots = [{trade.name for trade in lot} for lot in in_lots(trades, 2)]
    assert {"a", "c"} in lots
    assert {"d"} in lots
    assert sorted(len(lot) for lot in lots if not lot & set("acd")) == [2, 2]
    assert set().union(*lots) == set("abcdefg")


def test_answers_are_filled_from_the_policy_cited_behind_each_clause() -> None:
    values = {"a": {"x": "1天"}, "b": {"x": "2天"}}
    text = fill_answer("要{x}[a]，不是{x}[b]，{y}", values, {"a": 3, "b": 1})
    assert text == "要1天[3]，不是2天[1]，{y}"


def test_what_is_quoted_stands_in_the_passage_of_its_number(trade: Trade) -> None:
    for seed in range(30):
        case = make_case(trade, trade.questions[0], Random(seed))
        texts = {item.n: item.text for item in case.evidence}
        assert sorted(texts) == list(range(1, len(texts) + 1))
        assert len(case.quoted) == 2
        for sentence, n in case.quoted:
            assert "{" not in sentence
            assert sentence in texts[n]
        assert "".join(quotation(case)).endswith(f"[{case.quoted[-1][1]}]")


def test_only_the_answer_counts_and_it_ends_with_the_stop(trade: Trade) -> None:
    tokenizer = tiny_tokenizer()
    tasks = OwnTasks([trade], SampleMaker(tokenizer))
    sample = tasks.sample(Random(1))
    counted = [token for token, weight in zip(sample.ids, sample.weights, strict=True) if weight]
    prompt = tokenizer.decode(sample.ids, skip_special_tokens=False)
    answer = tokenizer.decode(counted, skip_special_tokens=False)
    assert answer.endswith("<|im_end|>")
    assert prompt.rstrip("\n").endswith(answer)
    assert "不想要了咋整" not in answer
    assert "不想要了咋整" in prompt
    assert tasks.sample(Random(1)) == sample


@given(st.text(max_size=60), st.integers(0, 99))
def test_other_numbers_change_digits_only(text: str, seed: int) -> None:
    changed = other_numbers(text, Random(seed))
    assert "".join(c for c in changed if not c.isdecimal()) == "".join(
        c for c in text if not c.isdecimal()
    )


def test_slots_are_filled_with_their_own_values(trade: Trade) -> None:
    policy = trade.policies["shop-1"]
    seen = {fill(policy.text, draw_values(policy, Random(seed))) for seed in range(40)}
    assert len(seen) == 4
    assert all("{" not in text for text in seen)


def test_our_own_corpus_has_no_line_that_is_skipped() -> None:
    from engine.learning.starter.recipes import OWN_CORPUS

    trades, problems = load_trades(OWN_CORPUS)
    assert problems == []
    assert trades
    assert all(trade.lot for trade in trades), "lots.json lacks a trade"
