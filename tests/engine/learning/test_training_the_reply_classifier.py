"""How the classifier of replies is trained: what it learns from, and what it is tried on."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.learning import reply_classifier as recipe
from engine.learning.handover_classifier import NOTHING, Example
from engine.redline.features import WordClasses
from engine.redline.normalise import fold
from engine.redline.reply_classifier import ReplyClassifier

PROMISED = [
    f"{who}肯定{what}给您" for who in ("我们", "公司", "这边") for what in ("退", "赔", "补")
]
ASKED = [f"把{what}{how}给我" for what in ("密码", "短信码", "口令") for how in ("发", "念", "报")]
RIVALS = [f"{who}{what}" for who in ("他家", "隔壁") for what in ("卖假货", "坑人", "有老鼠")]
ORDINARY = [
    f"{what}已经{done}" for what in ("快递", "订单", "发票", "课") for done in ("发出", "约好")
]


@pytest.fixture(scope="module")
def classes() -> WordClasses:
    return WordClasses("secret: 密码 验证码\npay: 赔 退\n")


def test_of_several_sentences_the_one_to_blame_is_learnt(classes: WordClasses) -> None:
    every = [
        *(Example(one, "promise", "promise") for one in PROMISED),
        *(Example(one, "secret", "secret") for one in ASKED),
        *(Example(one, "competitor", "competitor") for one in RIVALS),
        *(Example(one, NOTHING, "nothing") for one in ORDINARY),
        *(Example(f"{one}。把验证码念给我。", "secret", "more") for one in ORDINARY),
    ]
    model = ReplyClassifier(classes, recipe.learnt(every, classes))
    text = fold("快递已经发出。把验证码念给我。").text
    ordinary, asked = model.passages(text)
    assert asked.chance > 0.5 > ordinary.chance
    assert model.category(text, asked) == "secret"


def test_what_is_tried_was_written_by_nobody_whose_files_were_learnt() -> None:
    every = recipe.examples()
    for half in range(recipe.HALVES):
        out = recipe.left_out(every, half)
        learnt = {one.source for one, gone in zip(every, out, strict=True) if not gone}
        tried = {one.source for one, gone in zip(every, out, strict=True) if gone}
        assert learnt and tried and not learnt & tried
        writers = [
            {name.endswith("_3") for name in names if not name.startswith("corpus")}
            for names in (learnt, tried)
        ]
        assert writers[0].isdisjoint(writers[1])


def test_each_sentence_is_learnt_once_and_the_held_out_half_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[Path] = []
    whole = Path.read_text

    def noted(path: Path, *args: object, **more: object) -> str:
        read.append(path)
        return whole(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", noted)
    every = recipe.examples()
    texts = [fold(one.text).text for one in every]
    assert len(texts) == len(set(texts)) > 15_000
    assert read and not [path for path in read if "held_out" in path.parts]
