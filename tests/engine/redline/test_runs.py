"""The ear's quick sums are those of the features that it was taught with."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.redline import ear
from engine.redline.normalise import fold
from engine.redline.runs import Runs, add_runs

WORDS = (
    "你们的",
    "锅",
    "把我",
    "妈妈",
    "烫伤",
    "了",
    "，",
    "。",
    "12315",
    "call ",
    "police ",
    "3",
    "退",
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14))
def test_a_passage_is_as_likely_as_its_features_say(words: list[str]) -> None:
    folded = fold("".join(words)).text
    listener = ear.shipped()
    heard = ear.features(folded, ear.shipped_classes())
    passages = listener.passages(folded)
    assert bool(passages) == bool(heard.tokens)
    if not passages or len(heard.tokens) > ear.PASSAGE:
        return
    learnt = ear.read(ear.EAR / ear.WEIGHTS)
    total = sum(learnt.weights[bucket] for bucket in heard.buckets)
    weight = total * learnt.scale * math.pow(max(len(heard.buckets), 1), ear.DAMPING) + learnt.bias
    assert passages[0].chance == 1 / (1 + math.exp(-max(min(weight, 30), -30)))


@given(st.lists(st.sampled_from((1, 17, 18, 30000, 30001)), max_size=12), st.sampled_from((0, 99)))
def test_what_was_heard_before_weighs_the_same_again(ids: list[int], salt: int) -> None:
    weights = [number % 251 - 125 for number in range(3 << 16)]
    runs = Runs(weights, salt)
    buckets: list[int] = []
    begins: list[int] = []
    add_runs(ids, range(len(ids)), len(ids), salt, buckets, begins)
    for _ in range(2):
        sums, counts = runs.weighed(ids)
        assert counts == [begins.count(at) for at in range(len(ids))]
        for at, found in enumerate(sums):
            of = [b for b, begin in zip(buckets, begins, strict=True) if begin == at]
            assert found == sum(weights[bucket] for bucket in of)
