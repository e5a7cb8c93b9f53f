"""What tests of the engine share: a tiny real model, a real index, rules and a configuration."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_rules import pack, rule

from engine import paths
from engine.protocol import EngineConfig
from engine.redline.gate import Gate
from engine.redline.rules import load_rules

ROOT = Path(__file__).parents[2]

DOCUMENTS = {
    "家电维修.md": """---
title: 家电维修
---
## 上门检修
保修期内免费上门检修，不收上门费。过了保修期上门费30元，换件另算。

## 保修期
热水壶保修期12个月，从签收那天算起。请保留发票。
""",
    "退货.md": """---
title: 退货
---
## 七天无理由
签收后7天内可以无理由退货，邮费由客户承担。质量问题退货，邮费由我们承担。
""",
    "夏季促销.md": """---
title: 夏季促销
valid_from: 2026-06-01
valid_until: 2026-08-31
---
## 空调满减
空调满2000元减200元，凭会员码参加，每人限一台。
""",
    "内部底价.md": """---
title: 内部底价
internal: true
---
## 议价底线
净水器议价底线是成交价的85折，只供客服内部参考。
""",
    "parcels.md": """---
title: Parcels
---
## Delivery
Parcels arrive within 3 working days. Delivery is free for orders over 59 yuan.
""",
}

RULES = pack(
    "trial",
    rule(
        *("trial.court", "法庭, see you in court"),
        side="customer",
        category="legal",
        level="L4",
        action="handover",
        name=("起诉", "Lawsuit"),
        more={"script": "{zh: 马上请专人联系您。, en: A colleague will contact you at once.}"},
    ),
    rule(
        *("trial.promise", "包你满意, 绝对不坏"),
        side="model",
        category="promise",
        name=("打包票", "Guarantee"),
    ),
    rule("trial.insult", "蠢货", name=("辱骂", "Insult")),
)


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real GGUF with random weights: it loads, and says nothing sensible."""
    from engine.learning.starter.tiny import write_tiny_gguf

    return write_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="session")
def quoting_gguf(tiny_gguf: Path) -> Path:
    """The same under the starter's name, whose card has drafting quote whole sentences with it."""
    from engine.learning.starter.tiny import let_quote

    return let_quote(Path(shutil.copy(tiny_gguf, tiny_gguf.with_name("starter.gguf"))))


@pytest.fixture(scope="session")
def hashed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedder's folder that needs no torch."""
    from engine.knowledge.embedding import HashedEmbedder

    folder = tmp_path_factory.mktemp("embedder") / "hashed"
    HashedEmbedder(256).save(folder)
    return folder


@pytest.fixture(scope="session")
def document_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small company's policies: valid, expired, internal, and English ones."""
    folder = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="session")
def knowledge_folder(
    tmp_path_factory: pytest.TempPathFactory, document_folder: Path, hashed_folder: Path
) -> Path:
    """Those policies, indexed by LanceDB. Not to be written to."""
    from engine.knowledge.embedding import load_embedder
    from engine.knowledge.index import import_documents

    folder = tmp_path_factory.mktemp("indexed") / "knowledge"
    import_documents(folder, [document_folder], load_embedder(hashed_folder))
    return folder


@pytest.fixture(scope="session")
def rules_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One small rule pack."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "trial.yaml").write_text(RULES, "utf-8")
    return folder


@pytest.fixture
def small_assets(monkeypatch: pytest.MonkeyPatch, rules_folder: Path, hashed_folder: Path) -> None:
    """That pack and that embedder in the place of those that ship."""
    monkeypatch.setattr(paths, "RULES", rules_folder)
    monkeypatch.setattr(paths, "STARTER_EMBEDDER", hashed_folder)


@pytest.fixture(scope="session")
def trial_gate(rules_folder: Path) -> Gate:
    """The gate of that pack."""
    return Gate(load_rules(rules_folder))


@pytest.fixture(scope="session")
def style_file() -> Path:
    """The shop's style, as it ships."""
    return ROOT / "assets" / "styles" / "warm_shop.yaml"


@pytest.fixture
def make_config(
    quoting_gguf: Path,
    hashed_folder: Path,
    knowledge_folder: Path,
    rules_folder: Path,
    style_file: Path,
) -> Callable[..., EngineConfig]:
    """An engine's configuration over all of that, with what is given replaced."""

    def make(**changes: Any) -> EngineConfig:
        values: dict[str, Any] = {
            "model": str(quoting_gguf),
            "embedder": str(hashed_folder),
            "knowledge": str(knowledge_folder),
            "rules": str(rules_folder),
            "style": str(style_file),
            "context": 2048,
            "threads": 1,
        }
        return EngineConfig(**(values | changes))

    return make
