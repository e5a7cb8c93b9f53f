"""The model cards of the starter models, written from the figures that were noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.knowledge.answer_features import COUNT
from engine.learning.starter.corpus import Trade
from engine.learning.starter.embedder_recipe import figures_of
from engine.learning.starter.network_recipe import MEMBERS
from engine.learning.starter.reranker_recipe import WRONGLY_REFUSED

_TEMPLATES = Path(__file__).parent / "cards"


def generator_card(
    figures: Mapping[str, Any], trades: Sequence[Trade], left_out: Sequence[str], date: str
) -> str:
    """The generator's card from what `export` noted."""
    shape, progress, measured = figures["shape"], figures["progress"], figures["left_out"]
    kinds = Counter(question.kind for trade in trades for question in trade.questions)
    return _template("generator").format(
        **_corpus(trades),
        **{name: shape[name] for name in ("layers", "hidden", "heads", "vocabulary")},
        date=date,
        parameters=figures["parameters"] / 1e6,
        megabytes=figures["bytes"] / 1e6,
        machine=figures["machine"],
        all_tokens=progress["all_tokens"],
        all_minutes=progress["all_seconds"] / 60,
        stage=progress["stage"],
        tokens=progress["tokens"],
        steps=progress["step"],
        answer_loss=progress["answer_loss"],
        own_share="three in five",
        kinds=", ".join(f"{kind} {count}" for kind, count in kinds.most_common()),
        asked=measured["questions"],
        left_out=" and ".join(left_out),
        left_loss=measured["answer_loss"],
        **{
            name: measured[name]
            for name in (
                "right_sentence",
                "right_by_words",
                "by_chance",
                "copied",
                "cited",
                "stopped",
                "foreign_numbers",
            )
        },
        verdict=_verdict(measured),
    )


def embedder_card(figures: dict[str, Any], trades: Sequence[Trade], date: str) -> str:
    """The embedder's card from what its recipe noted."""
    noted = figures_of(figures)
    weight = f"{noted.vector_weight:g}"
    kinds = "".join(
        f"| {kind} | {count} | {words:.1%} | {vectors:.1%} | {fused:.1%} |\n"
        for kind, (count, words, vectors, fused) in noted.kinds.items()
    )
    return _template("embedder").format(
        **_corpus(trades),
        date=date,
        tokens="14,336",
        machine=noted.machine,
        pairs=noted.pairs,
        asked=noted.questions,
        words=noted.words,
        vectors=noted.vectors,
        fused=noted.by_rank[weight],
        weight=noted.vector_weight,
        kinds=kinds,
        by_score=_listed(noted.by_score),
        by_rank=_listed(noted.by_rank),
        gain=_interval(noted.gain),
        gain_hard=_interval(noted.gain_hard),
        answerable=noted.answerable,
        embedded=noted.trades,
        judged=noted.reranker.trades,
        features=COUNT,
        networks=MEMBERS,
        remembered=sum(bool(q.sentences) for trade in trades for q in trade.questions),
        reranked="".join(
            f"| {kind} | {count} | "
            + " | ".join(f"{a:.1%} → {b:.1%}" for a, b in zip(plain, learnt, strict=True))
            + " |\n"
            for kind, (count, plain, learnt) in noted.reranker.kinds.items()
        ),
        apart=noted.reranker.apart,
        unanswerable=noted.reranker.unanswerable,
        refused=noted.reranker.refused,
        wrongly_refused=noted.reranker.wrongly_refused,
        allowed=WRONGLY_REFUSED,
        small_refused=noted.reranker.small_refused,
    )


def _verdict(measured: Mapping[str, Any]) -> str:
    chosen, words, chance = (
        measured[name] for name in ("right_sentence", "right_by_words", "by_chance")
    )
    if chosen > words:
        return "Its choice of sentences is better than BM25's; use both together."
    if chosen > 1.5 * chance:
        return (
            "Its choice of sentences is worse than BM25's: let retrieval choose, and the model "
            "only where retrieval is undecided."
        )
    return (
        "Its choice of sentences is no better than a blind one, and worse than BM25's: the choice "
        "must be retrieval's alone. What it has learnt is to copy, to cite in form, and to stop."
    )


def _template(name: str) -> str:
    return (_TEMPLATES / f"{name}.md").read_text(encoding="utf-8")


def _corpus(trades: Sequence[Trade]) -> dict[str, int]:
    return {
        "trades": len(trades),
        "policies": sum(len(trade.policies) for trade in trades),
        "questions": sum(len(trade.questions) for trade in trades),
    }


def _interval(gain: tuple[float, float, float]) -> str:
    mean, low, high = (100 * value for value in gain)
    return f"{mean:+.1f} points ({low:+.1f} to {high:+.1f})"


def _listed(by_weight: Mapping[str, float]) -> str:
    tenths = {weight: found for weight, found in by_weight.items() if len(weight) <= 3}
    return ", ".join(f"{weight}: {found:.1%}" for weight, found in tenths.items())
