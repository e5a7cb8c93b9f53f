"""A question in everyday words finds the policy that calls things by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import paths
from engine.knowledge.embedding import load_embedder
from engine.knowledge.index import import_documents
from engine.knowledge.search import Searcher
from engine.knowledge.synonyms import OWN_TABLE, Synonyms

DOCUMENTS = {
    "分期.md": "# 分期付款\n首付款为总价的三成，余款分六个月付清。",
    "礼宾.md": "# 礼宾服务\n礼宾服务每天上午九点开始。",
    "营业.md": "# 营业时间\n门店每天上午九点开门，晚上九点关门。",
    "发票.md": "# 发票\n电子发票在确认收货后三天内开出。",
    "停车.md": "# 停车\n消费满五十元可以免费停车两小时，出示小票就行。",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        (source / name).write_text(text, "utf-8")
    knowledge = tmp_path_factory.mktemp("knowledge")
    import_documents(knowledge, [source], load_embedder(paths.STARTER_EMBEDDER))
    return knowledge


def found(folder: Path, query: str, synonyms: Synonyms | None = None) -> list[tuple[str, float]]:
    searcher = Searcher.open(folder, load_embedder(paths.STARTER_EMBEDDER), synonyms=synonyms)
    try:
        result = searcher.search(query, k=5, as_of="2026-11-22")
    finally:
        searcher.close()
    return [(one.passage.doc, one.coverage) for one in result.found]


def test_the_policys_word_is_searched_for_the_customers(folder: Path) -> None:
    without = dict(found(folder, "头款几多", Synonyms({})))
    best, coverage = found(folder, "头款几多")[0]
    assert best == "分期.md"
    assert coverage > without.get(best, 0.0)


def test_an_operators_wording_is_used_at_the_next_opening(folder: Path) -> None:
    query = "小金刚啥时上班"
    before = dict(found(folder, query))
    (folder / OWN_TABLE).write_text("礼宾服务 = 小金刚\n", "utf-8")
    try:
        after = found(folder, query)
    finally:
        (folder / OWN_TABLE).unlink()
    assert after[0][0] == "礼宾.md"
    assert after[0][1] > before.get("礼宾.md", 0.0)


def test_sentences_are_judged_in_either_wording(folder: Path) -> None:
    embedder = load_embedder(paths.STARTER_EMBEDDER)
    relevance = []
    for synonyms in (Synonyms({}), None):
        searcher = Searcher.open(folder, embedder, synonyms=synonyms)
        relevance.append(searcher.search("头款几多", as_of="2026-11-22").relevance)
        searcher.close()
    sentence = "首付款为总价的三成，余款分六个月付清。"
    assert relevance[1][sentence] > relevance[0].get(sentence, 0.0)
    assert relevance[1][sentence] == max(relevance[1].values())
