"""The hand-over classifier: what it finds and where; long texts, damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.errors import RuleError
from engine.paths import CLASSIFIER, RULES
from engine.records import Hit, Language, Screening
from engine.redline import classifier, rules
from engine.redline.features import said_once
from engine.redline.gate import Gate
from engine.redline.matching import Matcher
from engine.redline.normalise import fold
from engine.redline.rules import check_rules, load_rules
from engine.redline.schema import Heard, Match, Rule
from engine.texts import Both

ORDINARY = "我想问一下上次买的那个保温杯还有没有蓝色的,大概什么时候能到货,谢谢。"
GRAVE = "你们的热水壶炸了把我妈的手烫得全是泡"
WORDS = Both("…", "…")


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate(load_rules(RULES))


def classified_rule(category: str = "injury", least: float = 0.6, **more: object) -> Rule:
    return Rule(
        id="test.heard",
        side="customer",
        category=category,
        level="L4",
        action="handover",
        name=WORDS,
        why=WORDS,
        advice=WORDS,
        match=Match(heard=Heard(category, least), **more),  # type: ignore[arg-type]
        must_hit=(GRAVE,),
        must_miss=(ORDINARY,),
        evasion=(),
    )


def test_finds_what_no_wording_of_a_rule_says() -> None:
    found = Matcher([classified_rule()]).find(fold(GRAVE).text)
    assert [one.rule.id for one in found] == ["test.heard"]
    assert not Matcher([classified_rule()]).find(fold(ORDINARY).text)


def test_only_the_rule_of_the_category_it_finds_is_hit() -> None:
    assert not Matcher([classified_rule("privacy")]).find(fold(GRAVE).text)


def test_a_long_text_dilutes_nothing_and_the_hit_is_the_clause_that_weighs_most() -> None:
    text = fold(ORDINARY * 30 + GRAVE + "," + ORDINARY * 30).text
    found = Matcher([classified_rule()]).find(text)
    assert found
    place = text.index(fold(GRAVE).text)
    assert any(place <= one.start and one.end <= place + len(GRAVE) for one in found)
    assert all(abs(one.start - place) < 100 for one in found)


def test_a_veto_around_the_clause_drops_what_was_classified() -> None:
    rule = classified_rule(none_around=("热水壶炸了[^,]*",))
    assert all(one.vetoed for one in Matcher([rule]).find(fold(GRAVE).text))


def test_a_hit_of_words_needs_the_classifier_to_back_it() -> None:
    def found(text: str, backed: float, sure: tuple[str, ...] = ()) -> list[bool]:
        match = Match(words=("热水壶",), backed=backed, sure=sure)
        matcher = Matcher([replace(classified_rule(), match=match)])
        return [one.vetoed for one in matcher.find(fold(text).text)]

    asked = "这个热水壶有几种颜色"
    assert found(asked, 0.0) == [False]
    assert found(asked, 0.3) == [True]
    assert found(GRAVE, 0.3) == [False]
    assert found(asked, 0.3, sure=("热水壶",)) == [False]


@pytest.mark.parametrize(
    ("message", "language", "said"),
    [
        ("我不想活下去了,活着太痛苦", "zh", "12356"),
        ("有人冒充你们客服把我卡里的钱都转走了", "zh", "验证码"),
        ("I have called the police and they are coming", "en", "police"),
    ],
)
def test_what_is_classified_is_handed_over_with_the_script_of_its_category(
    gate: Gate, message: str, language: Language, said: str
) -> None:
    screening = gate.screen(message, "customer", language=language)
    assert screening.action == "handover"
    due = gate.handover(screening, language)
    assert due is not None
    assert said in due[1]


@pytest.mark.parametrize("first", [True, False])
def test_a_rule_that_knows_the_wording_names_the_handover(gate: Gate, first: bool) -> None:
    classified = Hit("customer.heard.threat", "threat", "L4", "handover", 0, 4, "told")
    known = Hit("customer.hurt_in_english", "injury", "L4", "handover", 9, 13, "hurt")
    hits = (classified, known) if first else (known, classified)
    assert gate.gravest(Screening(hits, "handover")) == known
    assert gate.gravest(Screening((classified,), "handover")) == classified
    assert gate.gravest(Screening()) is None


def test_there_is_a_rule_for_every_category_and_each_has_a_script() -> None:
    rules = [rule for rule in load_rules(RULES).rules if rule.side == "customer"]
    heard = {rule.match.heard.category: rule for rule in rules if rule.match.heard is not None}
    assert set(heard) == set(classifier.read(CLASSIFIER / classifier.WEIGHTS).categories)
    assert all(rule.script is not None for rule in heard.values())


@given(st.text(max_size=200))
def test_any_text_has_passages_that_lie_in_it(text: str) -> None:
    folded = fold(text).text
    for passage in classifier.shipped().passages(folded):
        assert 0 <= passage.start < passage.end <= len(folded)
        assert passage.start <= passage.heaviest[0] < passage.heaviest[1] <= passage.end
        assert 0 <= passage.chance <= 1


@given(st.lists(st.sampled_from(["我", "妈", ",", "hospital ", "12315", "。"]), max_size=300))
def test_every_token_lies_in_some_passage(parts: list[str]) -> None:
    folded = said_once(fold("".join(parts)).text)
    passages = classifier.shipped().passages(folded)
    covered = {place for one in passages for place in range(one.start, one.end)}
    assert all(place in covered for place, one in enumerate(folded) if one.isalnum())


def test_the_number_of_passages_grows_with_a_text_and_no_faster() -> None:
    short = len(classifier.shipped().passages(fold(ORDINARY * 50).text))
    long = len(classifier.shipped().passages(fold(ORDINARY * 500).text))
    assert long <= 11 * short
    assert len(classifier.shipped().passages("我" * 5_000)) <= 5_000 // 20 + 1


@pytest.mark.parametrize("damage", ["", "cut", "size"])
def test_a_damaged_classifier_blocks_and_says_so(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule_set = load_rules(RULES)
    whole = (CLASSIFIER / classifier.WEIGHTS).read_bytes()
    (tmp_path / classifier.CLASSES).write_bytes((CLASSIFIER / classifier.CLASSES).read_bytes())
    if damage == "cut":
        (tmp_path / classifier.WEIGHTS).write_bytes(whole[:1000])
    elif damage == "size":
        (tmp_path / classifier.WEIGHTS).write_bytes(whole[:-5])
    monkeypatch.setattr(classifier, "CLASSIFIER", tmp_path)
    classifier.shipped.cache_clear()
    try:
        gate = Gate(rule_set, lazy=True)
        with pytest.raises(RuleError, match="classifier"):
            gate.screen("你好", "customer")
    finally:
        monkeypatch.undo()
        classifier.shipped.cache_clear()


def test_the_version_of_the_rules_tells_of_another_classifier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "heard.yaml").write_bytes((RULES / "customer-heard.yaml").read_bytes())
    former = load_rules(folder).version
    other = tmp_path / "classifier"
    other.mkdir()
    for path in classifier.classifier_files():
        (other / path.name).write_bytes(path.read_bytes())
    with (other / classifier.CLASSES).open("a", encoding="utf-8") as file:
        file.write("\n# another\n")
    for module in (classifier, rules):
        monkeypatch.setattr(module, "CLASSIFIER", other)
    assert load_rules(folder).version != former


def test_a_classified_rule_whose_example_is_not_found_does_not_load(tmp_path: Path) -> None:
    pack = (RULES / "customer-heard.yaml").read_text(encoding="utf-8")
    hit = "must_hit: [" + json.dumps("你们的锅盖崩起来把我奶奶的胳膊烫脱了皮", ensure_ascii=False)
    assert hit in pack
    (tmp_path / "heard.yaml").write_text(
        pack.replace(hit, "must_hit: [" + json.dumps(ORDINARY, ensure_ascii=False)),
        encoding="utf-8",
    )
    problems = check_rules(tmp_path)
    assert [problem.rule for problem in problems] == ["customer.heard.injury"]


@pytest.mark.parametrize("times", [2, 5, 50, 500])
def test_who_says_the_same_again_means_no_more_by_it(gate: Gate, times: int) -> None:
    plain = "我买的热水壶坏了,"
    assert not gate.screen(plain * times, "customer", language="zh").hits
    grave = gate.screen(GRAVE + "。" + plain * times, "customer", language="zh").hits
    assert {hit.rule for hit in grave} >= {"customer.heard.injury"}


def test_what_is_said_in_many_sentences_is_one_hit(gate: Gate) -> None:
    graves = (GRAVE, "孩子喝了你们的奶粉吐了一夜在医院挂水", "我爸用你们的电热毯被烫得皮都掉了")
    text = "。".join(f"{grave}。{ORDINARY}{ORDINARY}" for grave in graves)
    matcher = gate.matcher("customer")
    found = [one for one in matcher.find(fold(text).text) if one.rule.id == "customer.heard.injury"]
    assert len(found) > 1
    hits = [hit.rule for hit in gate.screen(text, "customer").hits]
    assert hits.count("customer.heard.injury") == 1


@pytest.mark.parametrize("text", [f"{GRAVE}。{ORDINARY}", f"{ORDINARY}{GRAVE}"])
def test_an_ordinary_question_beside_it_hides_nothing(text: str) -> None:
    assert Matcher([classified_rule()]).find(fold(text).text)


@pytest.mark.parametrize(
    ("said", "once"),
    [
        ("喂喂喂喂喂喂喂", "喂"),
        ("人呢人呢人呢人呢????", "人呢?"),
        ("退款退款退款退款退款退款", "退款"),
        ("a b a b a b a b ", "a b "),
        ("哈哈哈哈哈哈,去死去死去死", "哈,去死"),
    ],
)
def test_one_thing_said_over_and_over_weighs_as_said_once(said: str, once: str) -> None:
    judged = said_once(said)
    assert judged.replace(" ", "") == once.replace(" ", "") and len(judged) == len(said)
    shipped = classifier.shipped()
    assert [one.chance for one in shipped.passages(said)] == pytest.approx(
        [one.chance for one in shipped.passages(once)]
    )


@pytest.mark.parametrize("said", ["10000", "111111", "你好你好,我想问问怎么退货", "", "谢谢"])
def test_numbers_and_what_is_said_twice_stay(said: str) -> None:
    assert said_once(said) == said


def test_a_grave_thing_said_over_and_over_stays_grave(gate: Gate) -> None:
    assert gate.screen("杀了你" * 5, "customer").action == "handover"
    assert gate.screen("喂" * 7, "customer").action == "none"
