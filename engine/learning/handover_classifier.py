"""``python -m engine.learning.handover_classifier``: trains the red line's hand-over classifier.

It learns from our own sentences: the development half of those beside the rules
(`classifier/<category>.txt`: what calls for a hand-over of that category,
`classifier/nothing_*.txt`: what does not), the examples of the rules that hand over, and the
questions of the starter corpus. It writes `assets/rules/classifier`. With ``--check`` it learns
without some of the sentences, says how it does on those, and writes nothing. The held-out half is
not read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from engine.paths import ASSETS, CLASSIFIER, RULES
from engine.redline.classifier import (
    CATEGORY_BUCKETS,
    LENGTH_POWER,
    PER_CATEGORY,
    WEIGHTS,
    HandoverClassifier,
    LinearWeights,
    shipped_classes,
)
from engine.redline.features import WordClasses, features
from engine.redline.matching import Matcher
from engine.redline.ngrams import BUCKETS
from engine.redline.normalise import fold
from engine.redline.packs import packs_in, read_pack
from engine.redline.quality import sentences

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

SENTENCES = RULES / "sentences" / "development"
CORPUS = ASSETS / "starter" / "corpus"
NOTHING = ""
UNKNOWN = "?"
INVERSE_REGULARISATION = 1.5
"""How little the weights are held back (scikit-learn's C)."""
DUE_SHARE = 0.2
"""The share that those which call for a hand-over have in what is learnt, by their weight."""
FOLDS = 5
BLOCK = 25
"""So many sentences in a row, which resemble each other, are left out together."""


class Example(Struct, frozen=True):
    """A sentence, the category of hand-over it calls for (`NOTHING` for none, `UNKNOWN` where no
    rule says it), and where it stands."""

    text: str
    category: str
    source: str


def examples() -> list[Example]:
    """All that is learnt from, each sentence once."""
    found: list[Example] = []
    for path in sorted((SENTENCES / "classifier").glob("*.txt")):
        # A category may have several files: injury.txt, injury_2.txt.
        category = NOTHING if path.stem.startswith("nothing") else path.stem.rstrip("_0123456789")
        found += [Example(one, category, path.stem) for one in sentences(path)]
    named = _categories()
    for one in sentences(SENTENCES / "handover.txt"):
        found.append(Example(one, named(one), "handover"))
    for name in ("near_misses", "lookalikes", "customers"):
        found += [Example(one, NOTHING, name) for one in sentences(SENTENCES / f"{name}.txt")]
    for pack in packs_in(RULES):
        for rule in read_pack(pack).pack.rules:
            if rule.action == "handover" and rule.match.heard is None:
                found += [Example(one, rule.category, rule.id) for one in rule.must_hit]
                found += [Example(one, NOTHING, rule.id) for one in rule.must_miss]
    for path in sorted(CORPUS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            turns = json.loads(line).get("turns", ())
            asked = [turn["text"] for turn in turns if turn["role"] == "customer"]
            # Not every question is ordinary: what a rule would hand over teaches nothing.
            found += [Example(one, NOTHING, "corpus") for one in asked if named(one) == UNKNOWN]
    seen: dict[str, Example] = {}
    for example in found:
        seen.setdefault(fold(example.text).text, example)
    return list(seen.values())


def _categories() -> Callable[[str], str]:
    """What the rules call a sentence that calls for a hand-over."""
    rules = [
        msgspec.structs.replace(
            rule,
            match=msgspec.structs.replace(
                rule.match, backed=0.0, none_before=(), none_after=(), none_around=()
            ),
        )
        for pack in packs_in(RULES)
        for rule in read_pack(pack).pack.rules
        if rule.action == "handover" and rule.match.heard is None and "customer" in rule.sides
    ]
    matcher = Matcher(rules)

    def named(sentence: str) -> str:
        hits = [one.rule for one in matcher.find(fold(sentence).text)]
        grave = max((rule.level for rule in hits), default="")
        counts = Counter(rule.category for rule in hits if rule.level == grave)
        return counts.most_common(1)[0][0] if counts else UNKNOWN

    return named


def train(of: Sequence[Example], classes: WordClasses) -> LinearWeights:
    """The weights, and the categories' ones, as whole numbers of a byte.

    Of a long text that calls for a hand-over only one passage does: the most likely one by a
    classifier that was trained on the short ones.
    """
    every = HandoverClassifier(classes, LinearWeights([0] * BUCKETS, 1.0, 0.0))
    passages = [(one, every.passages(fold(one.text).text)) for one in of]
    short = [one for one, parts in passages if len(parts) <= 1]
    first = HandoverClassifier(classes, _fit(short, classes))
    for one, parts in passages:
        if len(parts) > 1:
            folded = fold(one.text).text
            due = [max(first.passages(folded), key=lambda part: part.chance)]
            short += [
                Example(folded[part.start : part.end], one.category, one.source)
                for part in (due if one.category else parts)
            ]
    return _fit(short, classes)


def _fit(of: Sequence[Example], classes: WordClasses) -> LinearWeights:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    counts = _feature_matrix(of, classes)
    due = np.array([bool(example.category) for example in of])
    rarity = _inverse_document_frequency(counts)
    # However many were written, in a desk's messages few call for a hand-over.
    shares = {True: DUE_SHARE / due.mean(), False: (1 - DUE_SHARE) / (1 - due.mean())}
    model = LogisticRegression(
        C=INVERSE_REGULARISATION, class_weight=shares, solver="liblinear", random_state=0
    )
    model.fit(counts.multiply(rarity[np.newaxis]).tocsr(), due)
    weights, scale = _quantised(model.coef_[0] * rarity)
    sure = [number for number, one in enumerate(of) if one.category not in (NOTHING, UNKNOWN)]
    coarse = _coarse(counts[sure])
    categories = LogisticRegression(
        C=INVERSE_REGULARISATION * 10, solver="lbfgs", max_iter=300
    ).fit(coarse, [of[number].category for number in sure])
    category_weights, category_scale = _quantised(categories.coef_)
    return LinearWeights(
        weights.tolist(),
        scale,
        float(model.intercept_[0]),
        tuple(str(category) for category in categories.classes_),
        tuple(row.tolist() for row in category_weights),
        tuple(float(bias) / category_scale for bias in categories.intercept_),
    )


def write(trained: LinearWeights, path: Path, made_of: str) -> None:
    """Keep what was trained as safetensors."""
    import numpy as np
    from safetensors.numpy import save

    about = {
        "categories": trained.categories,
        "scale": trained.scale,
        "bias": trained.bias,
        "category_bias": trained.category_bias,
        "made_of": made_of,
    }
    tensors = {
        "weights": np.array(trained.weights, np.int8),
        "categories": np.array(trained.category_weights, np.int8),
    }
    path.write_bytes(save(tensors, metadata={"classifier": json.dumps(about)}))


def _feature_matrix(of: Sequence[Example], classes: WordClasses) -> csr_matrix:
    """A row for each sentence: how often each bucket stands in it, with the power of its length."""
    import numpy as np
    from scipy.sparse import csr_matrix

    buckets = [features(fold(example.text).text, classes).buckets for example in of]
    sizes = np.array([len(one) for one in buckets])
    columns = np.fromiter((bucket for one in buckets for bucket in one), np.int64)
    rows = np.repeat(np.arange(len(buckets)), sizes)
    values = np.repeat(np.maximum(sizes, 1) ** LENGTH_POWER, sizes)
    return csr_matrix((values, (rows, columns)), shape=(len(buckets), BUCKETS))


def _inverse_document_frequency(matrix: csr_matrix) -> Any:
    """How much a bucket says by being rare; nothing where a single sentence holds it."""
    import numpy as np

    held = np.bincount(matrix.indices, minlength=BUCKETS)
    return np.where(held > 1, np.log(matrix.shape[0] / np.maximum(held, 1)), 0.0)


def _coarse(matrix: csr_matrix) -> csr_matrix:
    from scipy.sparse import csr_matrix

    columns = matrix.indices // PER_CATEGORY
    shape = (matrix.shape[0], CATEGORY_BUCKETS)
    return csr_matrix((matrix.data, columns, matrix.indptr), shape=shape)


def _quantised(weights: Any) -> tuple[Any, float]:
    """Weights as whole numbers from -127 to 127, and what one of them is."""
    import numpy as np

    scale = float(np.abs(weights).max()) / 127 or 1.0
    return np.round(weights / scale).astype(np.int8), scale


def chances(of: Sequence[Example], every: Sequence[Example], classes: WordClasses) -> list[float]:
    """The best passage's chance of each of some sentences, without its block of `every`."""
    folds = _folds(every)
    found: dict[Example, float] = {}
    wanted = set(of)
    for fold_number in range(FOLDS):
        kept = [one for one, number in zip(every, folds, strict=True) if number != fold_number]
        left = [
            one
            for one, number in zip(every, folds, strict=True)
            if number == fold_number and one in wanted
        ]
        model = HandoverClassifier(classes, train(kept, classes))
        for one in left:
            long, short = model.long_and_short(fold(one.text).text)
            passages = [*long, *short]
            found[one] = max((passage.chance for passage in passages), default=0.0)
    return [found[one] for one in of]


def _folds(every: Sequence[Example]) -> list[int]:
    """In which fold each sentence is left out: by blocks of those that stand together."""
    counts: Counter[str] = Counter()
    folds: list[int] = []
    for one in every:
        folds.append(counts[one.source] // BLOCK % FOLDS)
        counts[one.source] += 1
    return folds


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains the classifier, or with ``--check`` says how it does on what it has not seen."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.learning.handover_classifier", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="measure, and write nothing")
    parser.add_argument("--out", type=Path, default=CLASSIFIER / WEIGHTS, help="file to write")
    asked = parser.parse_args(arguments)
    every = examples()
    classes = shipped_classes()
    due = sum(bool(one.category) for one in every)
    print(f"{due} that call for a hand-over, {len(every) - due} that do not", file=sys.stderr)
    if asked.check:
        report(every, chances(every, every, classes))
        return 0
    digest = hashlib.sha256("\n".join(f"{e.category}\t{e.text}" for e in every).encode())
    write(train(every, classes), asked.out, digest.hexdigest()[:16])
    return 0


def report(every: Sequence[Example], found: Sequence[float]) -> None:
    """Print, for some thresholds, what share of each source it finds."""
    levels = (0.3, 0.5, 0.7, 0.9)
    by_source: dict[str, list[float]] = {}
    for one, chance in zip(every, found, strict=True):
        name = one.source if "." not in one.source else "examples of rules"
        name += " (due)" if one.category else ""
        by_source.setdefault(name, []).append(chance)
    print(f"{'':28}{'n':>6}" + "".join(f"{f'≥ {level}':>9}" for level in levels))
    for name, values in by_source.items():
        shares = [100 * sum(v >= level for v in values) / len(values) for level in levels]
        print(f"{name:28}{len(values):6}" + "".join(f"{share:8.1f}%" for share in shares))


if __name__ == "__main__":
    sys.exit(main())
