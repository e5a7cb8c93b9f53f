"""The classifier's quick sums are those of the features that it was trained with."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.redline import classifier
from engine.redline.features import PASSAGE, features
from engine.redline.ngrams import NGramWeights, add_ngrams
from engine.redline.normalise import fold

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
    model = classifier.shipped()
    seen = features(folded, classifier.shipped_classes())
    passages = model.passages(folded)
    assert bool(passages) == bool(seen.tokens)
    if not passages or len(seen.tokens) > PASSAGE:
        return
    trained = classifier.read(classifier.CLASSIFIER / classifier.WEIGHTS)
    total = sum(trained.weights[bucket] for bucket in seen.buckets)
    weight = (
        total * trained.scale * math.pow(max(len(seen.buckets), 1), classifier.LENGTH_POWER)
        + trained.bias
    )
    assert passages[0].chance == 1 / (1 + math.exp(-max(min(weight, 30), -30)))


@given(st.lists(st.sampled_from((1, 17, 18, 30000, 30001)), max_size=12), st.sampled_from((0, 99)))
def test_what_was_seen_before_weighs_the_same_again(ids: list[int], salt: int) -> None:
    weights = [number % 251 - 125 for number in range(3 << 16)]
    ngrams = NGramWeights(weights, salt)
    buckets: list[int] = []
    begins: list[int] = []
    add_ngrams(ids, range(len(ids)), len(ids), salt, buckets, begins)
    for _ in range(2):
        sums, counts = ngrams.sums(ids)
        assert counts == [begins.count(at) for at in range(len(ids))]
        for at, found in enumerate(sums):
            of = [b for b, begin in zip(buckets, begins, strict=True) if begin == at]
            assert found == sum(weights[bucket] for bucket in of)
