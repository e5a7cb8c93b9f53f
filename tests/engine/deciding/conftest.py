"""A store, and a gate of one rule of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.store.store import Store, open_store

PACK = """
pack: {id: test, version: 1, owner: 测试组, title: {zh: 测试规则, en: Test rules}}
rules:
  - id: court
    side: customer
    category: legal
    level: L4
    action: handover
    name: {zh: 起诉, en: Lawsuit}
    why: {zh: 客户要走法律程序, en: The customer goes to court}
    advice: {zh: 转人工, en: Hand over}
    script: {zh: 马上请专人联系您。, en: A colleague will contact you at once.}
    match: {words: [法庭]}
    must_hit: [法庭上见]
    must_miss: [你好]
  - id: insult
    side: agent
    category: tone
    level: L3
    action: block
    name: {zh: 辱骂, en: Insult}
    why: {zh: 不能骂客户, en: No insults}
    advice: {zh: 删掉, en: Remove it}
    match: {words: [蠢货]}
    must_hit: [你这蠢货]
    must_miss: [你好]
  - id: threat
    side: agent
    category: legal
    level: L4
    action: handover
    name: {zh: 威胁, en: Threat}
    why: {zh: 不能威胁客户, en: No threats}
    advice: {zh: 删掉, en: Remove it}
    match: {words: [后果自负]}
    must_hit: [那就后果自负]
    must_miss: [你好]
  - id: secret
    side: agent
    category: privacy
    level: L2
    action: mask
    name: {zh: 内部口令, en: Password}
    why: {zh: 不能外传, en: Internal}
    advice: {zh: 打码, en: Masked}
    match: {words: [芝麻开门]}
    must_hit: [口令是芝麻开门]
    must_miss: [你好]
  - id: promise
    side: agent
    category: promise
    level: L1
    action: hint
    name: {zh: 承诺, en: Promise}
    why: {zh: 小心承诺, en: Careful}
    advice: {zh: 核对, en: Check}
    match: {words: [保证]}
    must_hit: [我保证]
    must_miss: [你好]
scripts:
  - id: risk
    name: {zh: 风险提示, en: Risk}
    when: {words: [理财]}
    text: {zh: 投资有风险。, en: Investments carry risk.}
    must_hit: [想买理财]
    must_miss: [你好]
"""


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "test.yaml").write_text(PACK, encoding="utf-8")
    return Gate(load_rules(folder))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "zuoxi.db") as opened:
        yield opened
