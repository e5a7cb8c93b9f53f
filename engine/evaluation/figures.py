"""Counting: results become figures per kind, per company and in all, each beside the peers'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from engine.evaluation.peers import READINGS, forms_of
from engine.evaluation.results import PeerResult, Result

RESAMPLES = 2000
SEED = 20261122
ALL = "all"
ANSWERABLE = "answerable"
DEMANDING = "demanding"
KINDS = ("plain", "hard", "multiturn", "overblock", "abstain", "redline", "attack")
PEERS = tuple(READINGS)
KEYWORD_RATIO = 3.0
Unit = Literal["times", "share", "points", "count", "ms"]
_DEMANDING = ("hard", "multiturn")


class Interval(Struct, frozen=True):
    """A difference (app − peer) of two shares, with the 95 % interval of a paired bootstrap."""

    difference: float
    low: float
    high: float


class PeerFigure(Struct, frozen=True):
    """A peer's solved rate beside the app's, which is `ratio` times as high (None: it has none).

    `form` is the one of its forms that solves most of these very cases, `forms` has the rate of
    each; `recall3_form` likewise is the one that finds most. `low` and `high` bound the
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

    @property
    def part(self) -> float | None:
        """As a fraction; None of nothing."""
        return round(self.count / self.of, 4) if self.of else None


class Spread(Struct, frozen=True):
    """The median and the 95th percentile, in milliseconds."""

    p50: float
    p95: float


class Slice(Struct, frozen=True):
    """The figures of some cases. `current` is the share solved by what is in use.

    `abstained_right`: of those without an answer; `abstained_wrongly`: of those with one.
    `handed_over_right`: of those for a human; `handed_over_wrongly`: of all others. `tokens` are
    means and `ms` spreads over the drafts that have a text; `broken` are those of them whose text
    is not whole, `breaks` in which ways. `why` counts failed cases by their foremost reason,
    `why_all` by every reason they have, the most frequent first.
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
    broken: Share
    breaks: dict[str, int]
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
    unit: Unit


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


def chosen_slices(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    """All cases, those with an answer, the demanding ones, and each kind; none of them empty."""
    kinds = list(dict.fromkeys(result.case.kind for result in results))
    known = [kind for kind in KINDS if kind in kinds]
    chosen: list[tuple[str, Callable[[Result], bool]]] = [
        (ALL, lambda _: True),
        (ANSWERABLE, lambda one: one.case.expect == "draft"),
        (DEMANDING, lambda one: one.case.kind in _DEMANDING and one.case.expect == "draft"),
        *((kind, _of_kind(kind)) for kind in known),
        *((kind, _of_kind(kind)) for kind in kinds if kind and kind not in known),
    ]
    parts = [(name, [one for one in results if belongs(one)]) for name, belongs in chosen]
    return [(name, part) for name, part in parts if part]


def slices(results: Sequence[Result]) -> list[Slice]:
    """The figures of those parts of `results`, which are of one mode."""
    return [slice_of(name, part) for name, part in chosen_slices(results)]


def by_company(results: Sequence[Result]) -> list[Slice]:
    """The figures of each company."""
    names = dict.fromkeys(result.company for result in results)
    return [
        slice_of(name, [result for result in results if result.company == name]) for name in names
    ]


def slice_of(name: str, results: Sequence[Result]) -> Slice:
    """The figures of `results`, at least one."""
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
        current=share(one.solved for one in results),
        peers=tuple(_peer(results, peer) for peer in PEERS),
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
        broken=broken(results),
        breaks=dict(Counter[str](one for result in drafted for one in result.breaks).most_common()),
        why=dict(foremost.most_common()),
        why_all=dict(every.most_common()),
    )


def targets(parts: Sequence[Slice]) -> list[Target]:
    """What the figures in `parts` (all that `slices` makes) should be."""
    named = {part.name: part for part in parts}
    every, answerable = named[ALL], named.get(ANSWERABLE)
    demanding, hard = named.get(DEMANDING), named.get("hard")
    ratio = answerable.peer("keyword").ratio if answerable else None
    gain = demanding.peer("bm25") if demanding else None
    refused, wrongly = every.abstained_right, every.abstained_wrongly
    human = every.handed_over_right
    missed = human.of - human.count if human.of else None
    numbers = every.unsupported_numbers if every.numbers else None
    return [
        _at_least("keyword_ratio", ratio, KEYWORD_RATIO, "times"),
        _at_least("demanding_solved", demanding.current if demanding else None, 0.6, "share"),
        Target(
            "demanding_above_bm25",
            gain.difference if gain else None,
            "> 0",
            gain.low > 0 if gain else None,
            "points",
        ),
        _at_least("hard_recall3", hard.recall3 if hard else None, 0.9, "share"),
        _at_most("unsupported_numbers", numbers, 0, "count"),
        _at_least("refused", refused.part, 0.85, "share"),
        _at_most("refused_wrongly", wrongly.part, 0.08, "share"),
        _at_most("handover_missed", missed, 0, "count"),
        _at_most("first_token", every.ms["first_token"].p50 if every.ms else None, 300, "ms"),
        _at_most("total", every.ms["total"].p50 if every.ms else None, 1500, "ms"),
        _at_most("broken", every.broken.part, 0.03, "share"),
    ]


def _at_least(name: str, value: float | None, bound: float, unit: Unit) -> Target:
    return Target(
        name, value, f"≥ {_bound(bound, unit)}", None if value is None else value >= bound, unit
    )


def _at_most(name: str, value: float | None, bound: float, unit: Unit) -> Target:
    return Target(
        name, value, f"≤ {_bound(bound, unit)}", None if value is None else value <= bound, unit
    )


def _bound(bound: float, unit: Unit) -> str:
    return f"{100 * bound:g} %" if unit == "share" else f"{bound:g}"


def _of_kind(kind: str) -> Callable[[Result], bool]:
    return lambda one: one.case.kind == kind


def _peer(results: Sequence[Result], name: str) -> PeerFigure:
    forms = forms_of(name)
    theirs = {one: [result.peer(name, one) for result in results] for one in forms}
    # Each part is judged beside the form that is the better there: no choice of ours helps us.
    form = max(forms, key=lambda one: sum(peer.solved for peer in theirs[one]))
    finding = max(forms, key=lambda one: sum(peer.recall or 0.0 for peer in theirs[one]))
    ours = [float(result.solved) for result in results]
    interval = paired_interval(ours, [float(one.solved) for one in theirs[form]])
    rate = share(one.solved for one in theirs[form])
    with_gold = [
        (result.recall, peer.recall)
        for result, peer in zip(results, theirs[finding], strict=True)
        if result.recall is not None and peer.recall is not None
    ]
    finds = paired_interval(*zip(*with_gold, strict=True)) if with_gold else None
    return PeerFigure(
        name=name,
        form=form,
        solved=rate,
        forms={one: share(peer.solved for peer in theirs[one]) for one in forms},
        ratio=_rounded(sum(ours) / sum(one.solved for one in theirs[form])) if rate else None,
        difference=interval.difference,
        low=interval.low,
        high=interval.high,
        recall3=_recall(theirs[finding]),
        recall3_form=finding if with_gold else "",
        recall3_forms={one: value for one in forms if (value := _recall(theirs[one])) is not None},
        recall3_difference=finds,
    )


def broken(results: Sequence[Result]) -> Share:
    """How many of the drafts among `results` have a text that is not whole."""
    drafted = [one for one in results if one.status == "drafted"]
    return Share(sum(bool(one.breaks) for one in drafted), len(drafted))


def _recall(peers: Sequence[PeerResult]) -> float | None:
    return _mean([one.recall for one in peers if one.recall is not None])


def _count(results: Sequence[Result], status: str) -> Share:
    return Share(sum(one.status == status for one in results), len(results))


def share(values: Iterable[bool]) -> float:
    """The share of `values`, at least one, that are true."""
    listed = list(values)
    return _rounded(sum(listed) / len(listed))


def _mean(values: Sequence[float]) -> float | None:
    return _rounded(sum(values) / len(values)) if values else None


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(values, (50, 95)) if values else (0.0, 0.0)
    return _rounded(p50), _rounded(p95)


def _rounded(value: float) -> float:
    return round(float(value), 4)
