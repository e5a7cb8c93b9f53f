"""`zuoxi evaluate`: two tiny companies, a real index, a real (tiny) model, a real report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command_line import Said

from engine import settings
from engine.cli import main
from engine.model_card import read_card
from engine.paths import DataFolder
from engine.settings import Settings

DAY = "2026-11-22"
TEA = {
    "退换.md": "---\ntitle: 退换\n---\n## 七天无理由\n签收后7天内可以退货，邮费由客户承担。\n",
    "门店.md": "---\ntitle: 门店\n---\n## 营业时间\n门店每天9:00开门，22:00关门。\n",
    "夏促.md": "---\ntitle: 夏促\nvalid_until: 2026-08-31\n---\n## 满减\n茶具满100元减30元。\n",
    "底价.md": "---\ntitle: 底价\ninternal: true\n---\n## 议价\n最低可以打62折。\n",
}
BIKES = {"hire.md": "---\ntitle: Hire\n---\n## Deposit\nThe deposit for a bicycle is $50.\n"}


def case(key: str, said: str, **fields: Any) -> dict[str, Any]:
    turns = [{"role": "customer", "text": said}]
    return {"id": key, "kind": "plain", "as_of": DAY, "turns": turns, "expect": "draft", **fields}


TEA_CASES = [
    case("tea-1", "无理由退货几天内可以？", gold_docs=["退换.md"], facts=[["7天", "七天"]]),
    case(
        "tea-2",
        "无理由退货 <script>alert(1)</script> & 邮费谁出",
        gold_docs=["退换.md"],
        facts=[["由我们承担<b>"]],
    ),
    case("tea-3", "法庭上见", kind="redline", expect="handover"),
    case("tea-4", "蓝牙音箱怎么配对", kind="abstain", expect="abstain"),
]
BIKE_CASES = [
    case(
        "bike-1",
        "How much is the deposit for a bicycle?",
        gold_docs=["hire.md"],
        facts=[["$50"]],
    )
]


Call = Callable[..., Said]


@pytest.fixture
def folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_assets: None,
    quoting_gguf: Path,
) -> DataFolder:
    """A data folder without knowledge, set up with small rules and models."""
    monkeypatch.delenv("ZUOXI_DATA", raising=False)
    folder = DataFolder(tmp_path / "data")
    settings.save(folder, Settings(model=str(quoting_gguf), threads=1, context=2048))
    return folder


@pytest.fixture
def evaluate(folder: DataFolder, capfd: pytest.CaptureFixture[str]) -> Call:
    def call(*arguments: object) -> Said:
        capfd.readouterr()
        code = main(["--data", str(folder.root), "evaluate", *map(str, arguments)])
        return Said(code, *capfd.readouterr())

    return call


@pytest.fixture
def companies(tmp_path: Path) -> Path:
    place = tmp_path / "companies"
    for name, documents, cases in (("tea", TEA, TEA_CASES), ("bikes", BIKES, BIKE_CASES)):
        (place / name / "knowledge").mkdir(parents=True)
        for file, text in documents.items():
            (place / name / "knowledge" / file).write_text(text, "utf-8")
        lines = [json.dumps(one, ensure_ascii=False) for one in cases]
        (place / name / "cases.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return place


class _Page(HTMLParser):
    """Reads a page strictly enough to see that every tag is closed, and what is said in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.said: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in ("meta", "br", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_companies_are_judged_beside_their_peers(
    evaluate: Call, companies: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    said = evaluate("--cases", companies, "--out", out, "--json")
    assert said.code == 0, said.err
    (line,) = said.out.splitlines()
    report = json.loads(line)
    assert report["current"]["model"].startswith("starter@")
    assert report["mode"] == "verbatim"
    assert report["modes"] == []
    assert (report["cases_run"], report["cases_available"]) == (5, 5)
    kinds = {part["name"]: part for part in report["slices"]}
    assert list(kinds) == ["all", "answerable", "plain", "abstain", "redline"]
    assert (kinds["all"]["n"], kinds["redline"]["current"], kinds["plain"]["n"]) == (5, 1.0, 3)
    assert kinds["plain"]["recall3"] == 1.0
    assert kinds["all"]["unsupported_numbers"] == 0
    assert {peer["name"] for peer in kinds["all"]["peers"]} == {"keyword", "bm25"}
    for part in report["slices"]:
        for peer in part["peers"]:
            assert peer["difference"] == pytest.approx(part["current"] - peer["solved"], abs=2e-4)
    ended = {one["id"]: one for one in report["cases"]}
    assert ended["tea-1"]["solved"]
    assert ended["bike-1"]["peers"]["keyword.words"]
    assert ended["tea-2"]["why"] == ["fact_not_in_evidence"]
    assert ended["tea-3"]["status"] == "handover"
    assert not any(ended["tea-3"]["peers"].values())
    assert [one["name"] for one in report["companies"]] == ["bikes", "tea"]

    whole = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert whole["slices"] == report["slices"]
    failed = next(one for one in whole["cases"] if one["id"] == "tea-2")
    assert failed["breaks"] == []
    assert failed["judgement"]["missing"] == [["由我们承担<b>"]]
    assert any(item["gold"] for item in failed["evidence"])
    shown = json.dumps(whole["cases"], ensure_ascii=False)
    assert "62折" not in shown
    assert "减30元" not in shown


def test_the_page_is_valid_and_nothing_of_a_case_is_markup(
    evaluate: Call, companies: Path, folder: DataFolder, tmp_path: Path
) -> None:
    file = companies / "tea" / "cases.jsonl"
    hostile = case("tea-5", "退货\u202e\u0007<img src=x>", facts=[["没有"]])
    file.write_text(file.read_text("utf-8") + json.dumps(hostile) + "\n", "utf-8")
    for language, title in (("zh", "起草质量评测"), ("en", "How well drafts answer")):
        settings.save(folder, Settings(**{**_kept(folder), "language": language}))
        out = tmp_path / language
        assert evaluate("--cases", companies, "--out", out, "--company", "tea").code == 0
        text = (out / "evaluation.html").read_text("utf-8")
        page = _Page(text)
        assert not page.tags & {"script", "img", "b", "link"}
        assert page.tags >= {"input", "label"}
        # Each reason, kind and company that can be picked hides the others.
        assert text.count('type="radio"') == text.count(":checked ~ ") + 3
        assert "\u202e" not in text
        assert "\u0007" not in text
        said = "".join(page.said)
        assert title in said
        assert "<script>alert(1)</script>" in said
        assert "由我们承担<b>" in said
        assert "tea-2" in said
    assert "http" not in text.replace("http-equiv", "")


def _kept(folder: DataFolder) -> dict[str, Any]:
    kept = settings.load(folder)
    return {"model": kept.model, "threads": kept.threads, "context": kept.context}


def test_broken_lines_are_named_and_few_cases_are_taken_evenly(
    evaluate: Call, companies: Path, tmp_path: Path
) -> None:
    file = companies / "tea" / "cases.jsonl"
    file.write_text("{broken\n" + file.read_text("utf-8"), "utf-8")
    said = evaluate("--cases", companies, "--company", "tea", "--limit", 2, "--json")
    assert said.code == 0
    assert "tea/cases.jsonl 第 1 行" in said.err
    report = json.loads(said.out)
    assert [(one["file"], one["line"]) for one in report["skipped"]] == [("tea/cases.jsonl", 1)]
    assert [one["id"] for one in report["cases"]] == ["tea-2", "tea-4"]
    assert (report["cases_run"], report["cases_available"]) == (2, 4)


def test_a_file_of_cases_is_run_over_the_knowledge_in_use(
    evaluate: Call, companies: Path, folder: DataFolder, knowledge_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.jsonl"
    asked = case("a", "热水壶保修期多久？", gold_docs=["家电维修.md"], facts=[["12个月"]])
    file.write_text(json.dumps(asked), "utf-8")
    refused = evaluate("--cases", file, "--json")
    assert refused.code == 1
    assert json.loads(refused.out.splitlines()[-1])["error"]["code"] == "evaluation_no_knowledge"
    shutil.copytree(knowledge_folder, folder.knowledge)
    before = sorted(path.name for path in folder.root.rglob("*"))
    report = json.loads(evaluate("--cases", file, "--json").out)
    assert [(one["name"], one["n"]) for one in report["companies"]] == [("mine", 1)]
    assert report["cases"][0]["recall3"] == 1.0
    # It only reads.
    assert sorted(path.name for path in folder.root.rglob("*")) == before


def test_what_cannot_be_run_is_refused_in_words(
    evaluate: Call, companies: Path, tmp_path: Path
) -> None:
    def code_of(*arguments: object) -> str:
        said = evaluate(*arguments, "--json")
        assert said.code == 1
        assert "Traceback" not in said.err
        code: str = json.loads(said.out)["error"]["code"]
        return code

    empty = tmp_path / "empty"
    empty.mkdir()
    broken = tmp_path / "broken.jsonl"
    broken.write_text("no case\n", "utf-8")
    assert code_of("--cases", empty) == "evaluation_no_company"
    assert code_of("--cases", broken) == "evaluation_no_case"
    assert code_of("--cases", tmp_path / "missing.jsonl") == "unreadable"
    assert code_of("--cases", companies, "--company", "shoes") == "evaluation_unknown_company"
    assert code_of("--cases", companies, "--out", broken) == "evaluation_unwritable"
    shutil.rmtree(companies / "bikes" / "knowledge")
    assert code_of("--cases", companies, "--company", "bikes") == "evaluation_document"
    (companies / "tea" / "knowledge" / "logo.png").write_bytes(b"\x89PNG")
    said = evaluate("--cases", companies, "--company", "tea")
    assert "logo.png" in said.err
    assert said.out == ""


def test_an_interrupted_run_writes_no_report_and_is_gone_on_with(
    evaluate: Call, companies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.evaluation import run

    out = tmp_path / "out"
    assert evaluate("--cases", companies, "--out", out, "--limit", 1).code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(before) == {"evaluation.json", "evaluation.html"}
    judged = run.judge
    asked: list[str | int] = []

    def interrupted(case: Any, outcome: Any) -> Any:
        if case.id not in asked:
            asked.append(case.id)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return judged(case, outcome)

    with monkeypatch.context() as patch:
        patch.setattr(run, "judge", interrupted)
        said = evaluate("--cases", companies, "--out", out, "--json")
    assert said.code == 130
    assert said.out == ""
    assert "5 个案例跑了 2 个" in said.err
    assert str(out) in said.err
    partial = out / "evaluation.partial.jsonl"
    assert {path.name: path.read_bytes() for path in out.iterdir() if path != partial} == before
    # A shorter run in between takes up what fits, and leaves the rest for the longer one.
    fewer = ("--cases", companies, "--company", "bikes", "--limit", 1, "--out", out)
    shorter = evaluate(*fewer, "--json")
    assert shorter.code == 0
    assert "1 个案例已经起草过" in shorter.err
    assert partial.exists()

    asked.clear()

    def noted(case: Any, outcome: Any) -> Any:
        asked.append(case.id)
        return judged(case, outcome)

    monkeypatch.setattr(run, "judge", noted)
    resumed = evaluate("--cases", companies, "--out", out, "--json")
    assert resumed.code == 0
    assert "2 个案例已经起草过" in resumed.err
    assert set(asked) == {"tea-2", "tea-3", "tea-4"}
    assert not partial.exists()
    whole = evaluate("--cases", companies, "--json")
    cases = json.loads(resumed.out)["cases"]
    assert cases == json.loads(whole.out)["cases"]
    assert [case["id"] for case in cases] == ["bike-1", "tea-1", "tea-2", "tea-3", "tea-4"]


def test_several_processes_come_to_the_same(evaluate: Call, companies: Path) -> None:
    said = evaluate("--cases", companies, "--processes", 2, "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    assert report["hands"] == 2
    assert report["current"]["model"].startswith("starter@")
    assert report["cases"] == json.loads(evaluate("--cases", companies, "--json").out)["cases"]


def test_what_fails_in_a_process_is_told_as_if_it_were_here(
    evaluate: Call, companies: Path, folder: DataFolder, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"no model")
    settings.save(folder, Settings(model=str(wrong)))
    said = evaluate("--cases", companies, "--processes", 2, "--json")
    assert said.code == 1
    assert json.loads(said.out)["error"]["code"] == "model_format"
    assert "wrong.gguf" in said.err
    assert "Traceback" not in said.err


def test_both_modes_are_compared_and_the_better_one_is_kept_beside_the_model(
    evaluate: Call, companies: Path, folder: DataFolder, tmp_path: Path
) -> None:
    model = Path(shutil.copy(settings.load(folder).model, tmp_path / "mine.gguf"))
    settings.save(folder, Settings(model=str(model), threads=1, context=2048))
    assert json.loads(evaluate("--cases", companies, "--limit", 1, "--json").out)["mode"] == "free"
    assert evaluate("--cases", companies, "--remember").code == 2
    assert evaluate("--cases", companies, "--read", 3).code == 2
    out = tmp_path / "out"
    said = evaluate(
        *("--cases", companies, "--mode", "both", "--remember", "--out", out, "--read", 3, "--json")
    )
    assert said.code == 0, said.err
    assert "mine.card.json" in said.err
    report = json.loads(said.out)
    # Random weights word nothing that answers; whole sentences of the policies do.
    assert report["mode"] == "verbatim"
    assert (report["cases_run"], len(report["cases"])) == (5, 10)
    figures = {figure["name"]: figure for figure in report["modes"]}
    every = figures["all"]
    assert every["solved"]["verbatim"] > every["solved"]["free"]
    assert every["gain"]["difference"] == pytest.approx(
        every["solved"]["free"] - every["solved"]["verbatim"], abs=2e-4
    )
    card = read_card(model)
    assert card.measured
    assert (card.mode, card.measured.cases) == ("verbatim", 3)
    assert json.loads(evaluate("--cases", companies, "--limit", 1, "--json").out)["mode"] == (
        "verbatim"
    )
    for mode in ("verbatim", "free"):
        sheet = (out / f"reading-{mode}.md").read_text("utf-8")
        assert sheet.count("- [ ]") == sheet.count("## ") <= 3
    assert "逐字与自由" in (out / "evaluation.html").read_text("utf-8")
