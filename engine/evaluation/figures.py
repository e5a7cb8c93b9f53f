"""Counting: results become figures per kind, per company and in all, each beside the peers'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from msgspec import Struct

from engine.evaluation.peers import FORMS, Form
from engine.evaluation.results import PeerResult, Result

RESAMPLES = 2000
SEED = 20261122
ALL = "all"
ANSWERABLE = "answerable"
KINDS = ("plain", "hard", "multiturn", "overblock", "abstain", "redline", "attack")
PEERS = ("keyword", "bm25")
KEYWORD_RATIO = 3.0


class Interval(Struct, frozen=True):
    """A difference (app − peer) of two shares, with the 95 % interval of a paired bootstrap."""

    difference: float
    low: float
    high: float


class PeerFigure(Struct, frozen=True):
    """A peer's solved rate beside the app's, which is `ratio` times as high (None: it has none).

    `form` is the one of its two that solves more over all cases of the run, `forms` has the rate of
    each; `recall3_form` likewise is the one that finds more. `low` and `high` bound the
    `difference` (app − peer).
    """

    name: str
    form: str
    solved: float
    forms: dict[str, float]
    ratio: float | None
    difference: float
    low: float
    high: float
    recall3: float | None = None
    recall3_form: str = ""
    recall3_forms: dict[str, float] = {}
    recall3_difference: Interval | None = None


class Share(Struct, frozen=True):
    """So many of so many."""

    count: int
    of: int


class Spread(Struct, frozen=True):
    """The median and the 95th percentile, in milliseconds."""

    p50: float
    p95: float


class Slice(Struct, frozen=True):
    """The figures of some cases. `current` is the share solved by what is in use.

    `abstained_right`: of those without an answer; `abstained_wrongly`: of those with one.
    `handed_over_right`: of those for a human; `handed_over_wrongly`: of all others. `tokens` are
    means and `ms` spreads over the drafts that have a text. `why` counts failed cases by their
    foremost reason, `why_all` by every reason they have, the most frequent first.
    """

    name: str
    n: int
    current: float
    peers: tuple[PeerFigure, ...]
    recall3: float | None
    numbers: int
    unsupported_numbers: int
    abstained_right: Share
    abstained_wrongly: Share
    handed_over_right: Share
    handed_over_wrongly: Share
    tokens: dict[str, float]
    ms: dict[str, Spread]
    why: dict[str, int]
    why_all: dict[str, int]

    def peer(self, name: str) -> PeerFigure:
        """That peer's figure."""
        return next(peer for peer in self.peers if peer.name == name)


class Target(Struct, frozen=True):
    """What a figure should be, and whether it is; None when it could not be measured."""

    name: str
    value: float | None
    bound: str
    holds: bool | None


def paired_interval(
    ours: Sequence[float], theirs: Sequence[float], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """The mean difference of paired values and the 95 % interval of its bootstrap.

    Whole pairs are drawn with replacement, so that what makes a case hard for both cancels out.
    Raises `ValueError` when there are none or their numbers differ.
    """
    if not ours or len(ours) != len(theirs):
        raise ValueError("a paired interval needs as many values on both sides, at least one")
    differences = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    draws = np.random.default_rng(seed).integers(
        0, len(differences), size=(resamples, len(differences))
    )
    low, high = np.percentile(differences[draws].mean(axis=1), (2.5, 97.5))
    return Interval(_rounded(float(differences.mean())), _rounded(low), _rounded(high))


class Forms(Struct, frozen=True):
    """The form in which a peer solves most, and the one in which it finds most."""

    solving: Form
    finding: Form


def better_forms(results: Sequence[Result]) -> dict[str, Forms]:
    """Of each peer the better forms over `results`."""

    def best(name: str, gain: Callable[[PeerResult], float]) -> Form:
        return max(FORMS, key=lambda form: sum(gain(result.peer(name, form)) for result in results))

    return {
        name: Forms(best(name, lambda one: one.solved), best(name, lambda one: one.recall or 0.0))
        for name in PEERS
    }


def slices(results: Sequence[Result]) -> list[Slice]:
    """The figures of all cases, of those with an answer, and of each kind."""
    forms = better_forms(results)
    kinds = list(dict.fromkeys(result.case.kind for result in results))
    known = [kind for kind in KINDS if kind in kinds]
    chosen: list[tuple[str, Callable[[Result], bool]]] = [
        (ALL, lambda _: True),
        (ANSWERABLE, lambda one: one.case.expect == "draft"),
        *((kind, _of_kind(kind)) for kind in known),
        *((kind, _of_kind(kind)) for kind in kinds if kind and kind not in known),
    ]
    parts = [(name, [one for one in results if belongs(one)]) for name, belongs in chosen]
    return [slice_of(name, part, forms) for name, part in parts if part]


def by_company(results: Sequence[Result]) -> list[Slice]:
    """The figures of each company."""
    forms = better_forms(results)
    names = dict.fromkeys(result.company for result in results)
    return [
        slice_of(name, [result for result in results if result.company == name], forms)
        for name in names
    ]


def slice_of(name: str, results: Sequence[Result], forms: dict[str, Forms]) -> Slice:
    """The figures of `results`, at least one; `forms` says which of each peer's to stand beside."""
    unanswerable = [one for one in results if one.case.expect == "abstain"]
    answerable = [one for one in results if one.case.expect == "draft"]
    human = [one for one in results if one.case.expect == "handover"]
    others = [one for one in results if one.case.expect != "handover"]
    drafted = [one for one in results if one.status == "drafted"]
    foremost = Counter[str](one.why[0] for one in results if one.why)
    every = Counter[str](reason for one in results for reason in one.why)
    return Slice(
        name=name,
        n=len(results),
        current=_share(one.solved for one in results),
        peers=tuple(_peer(results, peer, forms[peer]) for peer in PEERS),
        recall3=_mean([one.recall for one in results if one.recall is not None]),
        numbers=sum(one.numbers for one in results),
        unsupported_numbers=sum(len(one.unsupported_numbers) for one in results),
        abstained_right=_count(unanswerable, "abstained"),
        abstained_wrongly=_count(answerable, "abstained"),
        handed_over_right=_count(human, "handover"),
        handed_over_wrongly=_count(others, "handover"),
        tokens={
            key: _mean([getattr(one.tokens, key) for one in drafted]) or 0.0
            for key in ("prompt", "reused", "generated")
        },
        ms={
            key: Spread(*_percentiles([getattr(one.ms, key) for one in drafted]))
            for key in ("search", "first_token", "total")
            if drafted
        },
        why=dict(foremost.most_common()),
        why_all=dict(every.most_common()),
    )


def targets(every: Slice) -> list[Target]:
    """What the figures over all cases should be."""
    keyword, bm25 = every.peer("keyword"), every.peer("bm25")
    human = every.handed_over_right
    missed = human.of - human.count
    finds = bm25.recall3_difference
    return [
        Target(
            "keyword_ratio",
            keyword.ratio,
            f"≥ {KEYWORD_RATIO:g}",
            None if keyword.ratio is None else keyword.ratio >= KEYWORD_RATIO,
        ),
        Target("above_bm25", bm25.difference, "> 0", bm25.low > 0),
        Target(
            "recall3_above_bm25",
            finds.difference if finds else None,
            "> 0",
            finds.low > 0 if finds else None,
        ),
        Target(
            "unsupported_numbers",
            every.unsupported_numbers,
            "= 0",
            every.unsupported_numbers == 0 if every.numbers else None,
        ),
        Target("handover_missed", missed, "= 0", missed == 0 if human.of else None),
    ]


def _of_kind(kind: str) -> Callable[[Result], bool]:
    return lambda one: one.case.kind == kind


def _peer(results: Sequence[Result], name: str, forms: Forms) -> PeerFigure:
    form = forms.solving
    theirs = {one: [result.peer(name, one) for result in results] for one in FORMS}
    ours = [float(result.solved) for result in results]
    interval = paired_interval(ours, [float(one.solved) for one in theirs[form]])
    rate = _share(one.solved for one in theirs[form])
    with_gold = [
        (result.recall, peer.recall)
        for result, peer in zip(results, theirs[forms.finding], strict=True)
        if result.recall is not None and peer.recall is not None
    ]
    finds = paired_interval(*zip(*with_gold, strict=True)) if with_gold else None
    return PeerFigure(
        name=name,
        form=form,
        solved=rate,
        forms={one: _share(peer.solved for peer in theirs[one]) for one in FORMS},
        ratio=_rounded(sum(ours) / sum(one.solved for one in theirs[form])) if rate else None,
        difference=interval.difference,
        low=interval.low,
        high=interval.high,
        recall3=_recall(theirs[forms.finding]),
        recall3_form=forms.finding if with_gold else "",
        recall3_forms={one: value for one in FORMS if (value := _recall(theirs[one])) is not None},
        recall3_difference=finds,
    )


def _recall(peers: Sequence[PeerResult]) -> float | None:
    return _mean([one.recall for one in peers if one.recall is not None])


def _count(results: Sequence[Result], status: str) -> Share:
    return Share(sum(one.status == status for one in results), len(results))


def _share(values: Iterable[bool]) -> float:
    listed = list(values)
    return _rounded(sum(listed) / len(listed))


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(sum(values) / len(values)) if values else None


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(values, (50, 95)) if values else (0.0, 0.0)
    return _rounded(p50), _rounded(p95)


def _rounded(value: float) -> float:
    return round(float(value), 4)
