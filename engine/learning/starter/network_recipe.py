"""Learns the network that weighs the sentences found for a question against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct

from engine.knowledge.answer_features import Features
from engine.knowledge.answer_network import AnswerNetwork, Layer, Rater, Standard

MEMBERS: Final = 2
"""Networks that are averaged; each begins at random and sees the questions in another order."""
_HIDDEN: Final = (64, 32)
_HIDDEN_WHOLE: Final = (32,)
_EPOCHS: Final = 15
_BATCH: Final = 64
_RATE: Final = 3e-3
_DECAY: Final = 1e-2
_DROPPED: Final = 0.4
_WARMING: Final = 50
_FEWEST_STEPS: Final = 200
# Questions without an answer are one in eight, and refusing is to be learnt as well as answering.
_NONE_WEIGHT: Final = 4.0
_SEED: Final = 20261123


class Sample(Struct, frozen=True):
    """A question: the `features` of its sentences, those of the `whole`, the share of the answer
    that each sentence is (`wanted`, 1 together, 0 where what answers was not found), and whether it
    is `answerable`."""

    features: Features
    whole: Features
    wanted: Features
    answerable: bool


def learn_network(samples: Sequence[Sample], members: int = MEMBERS) -> AnswerNetwork:
    """The network that tells sentences that answer from others, and questions without an answer."""
    import torch

    told = [sample for sample in samples if len(sample.features)]
    # Of products this small several threads mostly wait for each other.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    sentence = Standard.of(np.concatenate([sample.features for sample in told]))
    whole = Standard.of(np.stack([sample.whole for sample in told]))
    rows = [torch.from_numpy(sentence(sample.features)) for sample in told]
    questions = torch.from_numpy(whole(np.stack([sample.whole for sample in told])))
    learnt = [
        _member(told, rows, questions, torch.Generator().manual_seed(_SEED + number))
        for number in range(members)
    ]
    torch.set_num_threads(threads)
    return AnswerNetwork(sentence, whole, tuple(learnt))


def _member(
    samples: Sequence[Sample], rows: Sequence[Any], questions: Any, random: Any
) -> tuple[Rater, Rater]:
    import torch

    torch.manual_seed(random.initial_seed())
    raters = [_Rater(rows[0].shape[1], _HIDDEN), _Rater(questions.shape[1], _HIDDEN_WHOLE)]
    weights = [weight for rater in raters for weight in rater.net.parameters()]
    weights += [weight for rater in raters for weight in rater.straight.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=_RATE, weight_decay=_DECAY)
    size = min(_BATCH, len(samples))
    steps = max(_FEWEST_STEPS, _EPOCHS * (len(samples) // size))
    order = torch.randperm(len(samples), generator=random)
    begin = 0
    for step in range(steps):
        if begin + size > len(order):
            order, begin = torch.randperm(len(samples), generator=random), 0
        places = order[begin : begin + size].tolist()
        begin += size
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, (step + 1) / _WARMING) * (1 - step / steps)
        loss = _loss(
            [samples[place] for place in places],
            [rows[place] for place in places],
            questions[places],
            raters,
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return raters[0].learnt(), raters[1].learnt()


def _loss(samples: Sequence[Sample], rows: Sequence[Any], questions: Any, raters: Any) -> Any:
    """How surprising the right sentences are among all, and that there is an answer or none."""
    import torch

    together = torch.nn.utils.rnn.pad_sequence
    lengths = torch.tensor([len(row) for row in rows])
    wanted = together([torch.from_numpy(sample.wanted) for sample in samples], batch_first=True)
    rated = raters[0](together(list(rows), batch_first=True))
    beyond = torch.arange(rated.shape[1])[None] >= lengths[:, None]
    rated = rated.masked_fill(beyond, -30.0)
    ranking = -(wanted * rated.log_softmax(1)).sum(1)
    every = torch.cat([rated, raters[1](questions)[:, None]], dim=1).log_softmax(1)
    answerable = torch.tensor([float(sample.answerable) for sample in samples])
    some, none = every[:, :-1].logsumexp(1), every[:, -1]
    deciding = answerable * some + _NONE_WEIGHT * (1 - answerable) * none
    return (ranking - deciding).mean()


class _Rater:
    """A `Rater` while it is learnt."""

    def __init__(self, inputs: int, hidden: Sequence[int]) -> None:
        import torch

        self.straight = torch.nn.Linear(inputs, 1)
        torch.nn.init.zeros_(self.straight.weight)
        parts: list[Any] = [torch.nn.Dropout(_DROPPED / 3)]
        for before, after in zip((inputs, *hidden), hidden, strict=False):
            parts += [torch.nn.Linear(before, after), torch.nn.ReLU(), torch.nn.Dropout(_DROPPED)]
        self.net = torch.nn.Sequential(*parts, torch.nn.Linear(hidden[-1], 1))

    def __call__(self, rows: Any) -> Any:
        return (self.straight(rows) + self.net(rows))[..., 0]

    def learnt(self) -> Rater:
        """What was learnt, without what learns it."""
        straight, *layers = (
            Layer(part.weight.detach().numpy().copy(), part.bias.detach().numpy().copy())
            for part in (self.straight, *self.net)
            if hasattr(part, "weight")
        )
        return Rater(straight, tuple(layers))
