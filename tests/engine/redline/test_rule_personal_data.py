"""Personal data in customers' messages: what is not even stored, and what an order needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.paths import RULES
from engine.reception import receive
from engine.redline.gate import Gate, masked
from engine.redline.rules import load_rules
from engine.store.store import open_store


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate(load_rules(RULES))


def test_numbers_nobody_needs_are_masked_before_they_are_stored(gate: Gate, tmp_path: Path) -> None:
    said = "我身份证11010519491231002X，卡号4111111111111111，登录密码是abc12345"
    with open_store(tmp_path / "zuoxi.db") as store:
        conversation = receive(store, gate, "王女士", said).message.conversation
        [turn] = store.conversations.turns(conversation)
    kept = turn.text
    assert len(kept) == len(said)
    for secret in ("19491231", "11111111", "abc12345"):
        assert secret not in kept
    assert kept.startswith("我身份证110***********002X")


def test_what_an_order_needs_is_stored_and_only_noted(gate: Gate) -> None:
    said = "电话13800138000，邮箱li@example.com，车牌京A12345"
    assert gate.for_storage(said) == said
    found = gate.screen(said, "customer")
    assert [hit.text for hit in found.hits] == ["13800138000", "li@example.com", "京A12345"]
    assert found.action == "log"


def test_replies_star_out_plates_and_private_addresses(gate: Gate) -> None:
    said = "车主的车牌是京A12345，邮箱someone@163.com"
    text = masked(said, gate.screen(said, "agent"))
    assert "A12345" not in text and "someone" not in text and len(text) == len(said)
