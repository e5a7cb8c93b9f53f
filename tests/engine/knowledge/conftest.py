from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.knowledge.embedding import HashedEmbedder

DOCUMENTS = {
    "上门维修.md": """---
title: 上门维修
tags: [维修, 家电]
---
# 上门维修

## 收费
保修期内上门检修免费，不收上门费。过了保修期，上门费30元，换件另算。

## 预约
预约后师傅24小时内联系您，周末也上门。
""",
    "旧促销.md": """---
title: 春季促销
valid_from: 2026-03-01
valid_until: 2026-03-31
---
## 满减
春季促销满200元减30元，每单限用一次。
""",
    "冬季促销.md": """---
title: 冬季促销
valid_from: 2026-11-01
valid_until: 2026-12-31
---
## 满减
冬季促销满300元减50元，每单限用一次。
""",
    "赔付权限.md": """---
title: 赔付权限
internal: true
---
客服可以自行赔付的上限是88元，超过的要班组长同意。
""",
    "shipping.txt": "Standard shipping costs 8 yuan and takes 3 days. Over 59 yuan it is free.\n",
}


@pytest.fixture
def embedder() -> HashedEmbedder:
    return HashedEmbedder(128, vector_weight=0.3)


@pytest.fixture
def embedder_folder(tmp_path: Path, embedder: HashedEmbedder) -> Path:
    folder = tmp_path / "hashed-embedder"
    embedder.save(folder)
    return folder


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def many_sources(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a folder of files that keep an import busy for a moment."""

    def make(files: int) -> Path:
        folder = tmp_path / "many"
        folder.mkdir()
        for number in range(files):
            lines = [
                f"## 条款{part}\n编号{number}-{part}：第{part}条说明物品的保管办法。"
                for part in range(40)
            ]
            (folder / f"规定{number:03}.md").write_text("\n".join(lines), "utf-8")
        return folder

    return make
