"""Small networks that weigh the sentences found against each other and against there being none.

Listwise learning to rank (ListNet, Cao et al., 2007): a softmax over the sentences of a question
and one more place, for none of them. Several networks that began at random are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.knowledge.answer_features import COUNT, WHOLE, Features
from engine.knowledge.vectors import dots

_FURTHEST: Final = 5.0
"""So many times its spread a feature may lie from its mean."""


class Layer(Struct, frozen=True):
    """`weights` of shape (outputs, inputs) and a `bias` for each output."""

    weights: Features
    bias: Features

    def __call__(self, rows: Features) -> Features:
        """What comes of each of `rows`. Row by row, see `engine.knowledge.vectors.dots`."""
        return dots(rows[:, None, :], self.weights[None]) + self.bias


class Rater(Struct, frozen=True):
    """Rates rows of features: a linear part (`straight`) and rectified `layers`, added up."""

    straight: Layer
    layers: tuple[Layer, ...]

    def __call__(self, rows: Features) -> Features:
        """A rating for each of `rows`."""
        hidden = rows
        for layer in self.layers[:-1]:
            hidden = np.maximum(layer(hidden), 0)
        return (self.straight(rows) + self.layers[-1](hidden))[:, 0]


class Standard(Struct, frozen=True):
    """Brings features to one scale."""

    mean: Features
    spread: Features

    @classmethod
    def of(cls, rows: Features) -> Standard:
        """That by which `rows` have the mean 0 and the spread 1."""
        spread = rows.std(axis=0)
        # What never varies says nothing; dividing by its spread must not make it shout.
        return cls(
            rows.mean(axis=0).astype(np.float32),
            np.where(spread < 1e-6, 1.0, spread).astype(np.float32),
        )

    def __call__(self, rows: Features) -> Features:
        """`rows` on that scale, cut where they lie far out."""
        scaled = (rows - self.mean) / self.spread
        return np.asarray(np.clip(scaled, -_FURTHEST, _FURTHEST), dtype=np.float32)


class AnswerNetwork(Struct, frozen=True):
    """`sentence` and `whole` scale the features of sentences and of questions; each of `members` is
    a rater of sentences and one of there being no answer."""

    sentence: Standard
    whole: Standard
    members: tuple[tuple[Rater, Rater], ...]

    def chances(self, features: Features, whole: Features) -> tuple[Features, float]:
        """The chance of each sentence to be the answer, and the logarithm of the odds that one of
        them is."""
        rows, question = self.sentence(features), self.whole(whole[None])
        count = len(self.members)
        none = sum(float(rater(question)[0]) for _, rater in self.members) / count
        if not len(rows):
            return np.zeros(0, dtype=np.float32), -np.inf
        rated = sum((rater(rows) for rater, _ in self.members), np.zeros(len(rows))) / count
        top = max(none, float(rated.max()))
        weights, against = np.exp(rated - top), np.exp(none - top)
        some = float(weights.sum())
        odds = float(np.log(max(some, 1e-30)) - np.log(max(against, 1e-30)))
        return np.asarray(weights / (some + against), dtype=np.float32), odds

    def written(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        stored = {
            f"{name}.{part}": value
            for name, scale in (("sentence", self.sentence), ("whole", self.whole))
            for part, value in (("mean", scale.mean), ("spread", scale.spread))
        }
        for number, raters in enumerate(self.members):
            for name, rater in zip(("sentence", "whole"), raters, strict=True):
                for place, layer in enumerate((rater.straight, *rater.layers)):
                    stored[f"{number}.{name}.{place}.weights"] = layer.weights
                    stored[f"{number}.{name}.{place}.bias"] = layer.bias
        return stored

    @classmethod
    def read(cls, stored: Mapping[str, Features]) -> AnswerNetwork:
        """The network that `written` made arrays of. Raises `ValueError` when they are none or were
        made for other features than this program's."""
        scales = [
            Standard(stored[f"{name}.mean"], stored[f"{name}.spread"])
            for name in ("sentence", "whole")
        ]
        for scale, count in zip(scales, (COUNT, WHOLE), strict=True):
            if not scale.mean.shape == scale.spread.shape == (count,) or (scale.spread <= 0).any():
                raise ValueError("it was made for another version of the program")
        members: list[tuple[Rater, Rater]] = []
        while f"{len(members)}.sentence.0.weights" in stored:
            here = len(members)
            members.append(
                (_rater(stored, f"{here}.sentence", COUNT), _rater(stored, f"{here}.whole", WHOLE))
            )
        if not members:
            raise ValueError("it holds no network")
        return cls(scales[0], scales[1], tuple(members))


def _rater(stored: Mapping[str, Features], name: str, inputs: int) -> Rater:
    layers: list[Layer] = []
    while (weights := stored.get(f"{name}.{len(layers)}.weights")) is not None:
        layers.append(Layer(weights, stored[f"{name}.{len(layers)}.bias"]))
    widths = [inputs, inputs]
    for place, layer in enumerate(layers):
        if layer.weights.ndim != 2 or layer.bias.shape != layer.weights.shape[:1]:
            raise ValueError(f"{name} is not whole")
        # The straight part and the first layer both read the features themselves.
        if layer.weights.shape[1] != widths[-1 if place > 1 else 0]:
            raise ValueError(f"{name} is not whole")
        widths.append(len(layer.bias))
    if len(layers) < 2 or len(layers[0].bias) != 1 or len(layers[-1].bias) != 1:
        raise ValueError(f"{name} is not whole")
    return Rater(layers[0], tuple(layers[1:]))
