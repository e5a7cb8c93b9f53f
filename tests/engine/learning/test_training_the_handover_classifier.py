"""How the hand-over classifier is trained: from little, and the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.learning import handover_classifier as recipe
from engine.learning.handover_classifier import NOTHING, Example
from engine.redline.classifier import HandoverClassifier, read
from engine.redline.features import WordClasses
from engine.redline.normalise import fold

HURT = [f"{who}被{what}烫伤了" for who in ("我妈", "孩子", "我") for what in ("汤", "锅", "水")]
SUED = [f"我要去法院{what}你们{whom}" for what in ("告", "起诉") for whom in ("", "公司", "店里")]
SEEN = ("网上", "抖音", "微博")
POSTED = [f"我把{what}发到{where}" for what in ("视频", "照片") for where in SEEN]
GOODS = ("汤", "锅", "水壶", "法院那家店")
TALK = [f"{what}{asked}" for what in GOODS for asked in ("多少钱", "几点到")]


@pytest.fixture(scope="module")
def classes() -> WordClasses:
    return WordClasses("kin: 我妈 孩子 老人\nhurt: 烫伤\n")


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return [
        *(Example(one, "injury", "injury") for one in HURT),
        *(Example(one, "legal", "legal") for one in SUED),
        *(Example(one, "media", "media") for one in POSTED),
        *(Example(one, NOTHING, "nothing") for one in TALK),
    ]


def test_what_was_not_among_the_sentences_is_found_by_its_classes(
    classes: WordClasses, examples: list[Example]
) -> None:
    model = HandoverClassifier(classes, recipe.train(examples, classes))
    text = fold("老人被粥烫伤了").text
    (hurt,) = model.passages(text)
    (talk,) = model.passages(fold("粥多少钱").text)
    assert hurt.chance > 0.5 > talk.chance
    assert model.category(text, hurt) == "injury"


def test_of_a_long_text_only_the_grave_passage_is_learnt(
    classes: WordClasses, examples: list[Example]
) -> None:
    long = ",".join([*TALK * 4, HURT[0], *TALK * 4])
    learnt = recipe.train([*examples, *[Example(long, "injury", "injury")] * 6], classes)
    model = HandoverClassifier(classes, learnt)
    talk = max(model.passages(fold(one).text)[0].chance for one in TALK)
    assert talk < 0.5
    assert max(passage.chance for passage in model.passages(fold(long).text)) > 2 * talk


def test_what_is_learnt_is_the_same_each_time_and_after_it_was_kept(
    classes: WordClasses, examples: list[Example], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        recipe.write(recipe.train(examples, classes), path, "x")
    assert first.read_bytes() == second.read_bytes()
    text = fold(HURT[0]).text
    kept = HandoverClassifier(classes, read(first)).passages(text)
    assert kept == HandoverClassifier(classes, recipe.train(examples, classes)).passages(text)


def test_a_sentence_stands_once_among_all_and_the_held_out_half_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_files: list[Path] = []
    whole = Path.read_text

    def noted(path: Path, *args: object, **more: object) -> str:
        read_files.append(path)
        return whole(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", noted)
    every = recipe.examples()
    texts = [fold(one.text).text for one in every]
    assert len(texts) == len(set(texts)) > 15_000
    assert read_files
    assert not [path for path in read_files if "held_out" in path.parts]
