"""A store, and a gate of one rule of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_rules import INSULT, pack, rule

from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.store.store import Store, open_store

SCRIPTS = """scripts:
  - id: risk
    name: {zh: 风险提示, en: Risk}
    when: {words: [理财]}
    text: {zh: 投资有风险。, en: Investments carry risk.}
    must_hit: [想买理财]
    must_miss: [你好]
"""
PACK = pack(
    "test",
    rule(
        *("court", "法庭"),
        side="customer",
        category="legal",
        level="L4",
        action="handover",
        more={"script": "{zh: 马上请专人联系您。, en: A colleague will contact you at once.}"},
    ),
    INSULT,
    rule("threat", "后果自负", category="legal", level="L4", action="handover"),
    rule("secret", "芝麻开门", category="privacy", level="L2", action="mask"),
    rule("promise", "保证", category="promise", level="L1", action="hint"),
    rule(
        *("polite", "慢走不送"),
        level="L2",
        action="mask",
        more={"rewrite": "{zh: 祝您生活愉快, en: Have a good day}"},
    ),
    rule("dialect", "侬晓得伐", level="L2", more={"languages": "[zh]"}),
    rule("tried", "亲亲", level="L3", more={"shadow": "true"}),
    SCRIPTS,
)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "test.yaml").write_text(PACK, encoding="utf-8")
    return Gate(load_rules(folder))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "zuoxi.db") as opened:
        yield opened
