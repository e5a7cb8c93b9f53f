"""The steps of making the starter models, each of which can be stopped and taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from msgspec import Struct

from engine.drafting.style import list_styles
from engine.errors import InputError
from engine.learning.starter import card, embedder_recipe
from engine.learning.starter.chat import Sample, SampleMaker
from engine.learning.starter.corpus import Trade, load_trades, report
from engine.learning.starter.export import write_gguf
from engine.learning.starter.figures import machine, note_figures, read_figures
from engine.learning.starter.generator import SEED, Training, choose_setup, fall, warm_and_hold
from engine.learning.starter.measure import measure_generator
from engine.learning.starter.own_tasks import OwnTasks
from engine.learning.starter.public import PublicText, read_public
from engine.learning.starter.public_tasks import PublicTasks
from engine.learning.starter.tokenizer import load_tokenizer, train_tokenizer
from engine.paths import ASSETS, STYLES

OWN_CORPUS = ASSETS / "starter" / "corpus"
LEFT_OUT = ("utilities", "catering")
"""Trades that the generator is measured on and never sees."""
PUBLIC_SHARE = 0.4
"""Share of public grounding tasks in tuning: trades are few, and these never repeat."""


class Workplace(Struct, frozen=True):
    """Where a recipe reads and writes. `public` holds the public text, `out` all results."""

    public: Path
    out: Path
    own: Path = OWN_CORPUS

    @property
    def tokenizer(self) -> Path:
        """The generator's tokenizer."""
        return self.out / "tokenizer.json"

    @property
    def model(self) -> Path:
        """The exported generator."""
        return self.out / "starter.gguf"

    @property
    def embedder(self) -> Path:
        """The exported embedder."""
        return self.out / "starter-embedder"


def make_tokenizer(place: Workplace) -> None:
    """Learns the tokenizer, unless it is there: a model belongs to the tokenizer it began with."""
    if place.tokenizer.exists():
        return
    text = read_public(place.public)
    tokenizer = train_tokenizer(_tokenizer_text(text, _trades(place)))
    place.out.mkdir(parents=True, exist_ok=True)
    partial = place.tokenizer.with_suffix(".part")
    tokenizer.save(str(partial))
    partial.replace(place.tokenizer)


def pretrain_generator(place: Workplace, minutes: float) -> bool:
    """Pre-trains on public text for `minutes`; false when it was stopped before the end."""
    tokenizer = _tokenizer(place)
    tasks = PublicTasks(read_public(place.public), SampleMaker(tokenizer, list_styles(STYLES)))
    training = _training(place, tokenizer)
    return training.stage("pretrain", tasks.sample, minutes, warm_and_hold)


def tune_generator(place: Workplace, minutes: float) -> bool:
    """Tunes on our own corpus, public text among it; false when it was stopped before the end."""
    tokenizer = _tokenizer(place)
    styles = list_styles(STYLES)
    own = OwnTasks(
        [trade for trade in _trades(place) if trade.name not in LEFT_OUT],
        SampleMaker(tokenizer, styles),
    )
    public = PublicTasks(read_public(place.public), SampleMaker(tokenizer, styles, 0.0))

    def mixed(random: Random) -> Sample:
        return (public.grounding if random.random() < PUBLIC_SHARE else own.sample)(random)

    return _training(place, tokenizer).stage("tune", mixed, minutes, fall)


def export_generator(place: Workplace) -> None:
    """Writes the generator as GGUF and notes what it can do on the trades that were left out."""
    tokenizer = _tokenizer(place)
    training = _training(place, tokenizer)
    if not training.progress.stage:
        raise InputError(f"There is no trained generator in {place.out}: run the step generator.")
    shape = training.setup.shape
    write_gguf(place.model, shape, training.weights(), tokenizer, name="starter", precision="q8_0")
    left_out = [trade for trade in _trades(place) if trade.name in LEFT_OUT]
    measured = measure_generator(training.model.cpu().float().eval(), tokenizer, left_out, SEED)
    figures = {
        "shape": shape,
        "parameters": shape.parameters(),
        "progress": training.progress,
        "machine": machine(),
        "left_out": measured,
        "bytes": place.model.stat().st_size,
    }
    note_figures(place.out, "generator", figures)


def make_embedder(place: Workplace) -> None:
    """Makes the embedder folder and notes its figures."""
    figures = embedder_recipe.make(
        read_public(place.public), _trades(place), place.out, place.embedder
    )
    note_figures(place.out, "embedder", figures)


def make_reranker(place: Workplace) -> None:
    """Learns the embedder's reranker anew from our own corpus as it is now, and notes its figures;
    the embedder stays."""
    figures = read_figures(place.out)
    if "embedder" not in figures:
        raise InputError(f"There is no embedder in {place.out}: run the step embedder first.")
    reranked = embedder_recipe.make_reranker(_trades(place), place.out, place.embedder)
    note_figures(place.out, "embedder", figures["embedder"] | {"reranker": reranked})


def write_cards(place: Workplace) -> None:
    """Writes the model cards of what has been made, from the figures noted then."""
    figures = read_figures(place.out)
    trades = _trades(place)
    if "generator" in figures:
        text = card.generator_card(figures["generator"], trades, LEFT_OUT, figures["date"])
        (place.out / "STARTER-GENERATOR.md").write_text(text, encoding="utf-8")
    if "embedder" in figures:
        text = card.embedder_card(figures["embedder"], trades, figures["date"])
        (place.out / "STARTER-EMBEDDER.md").write_text(text, encoding="utf-8")


def _tokenizer(place: Workplace) -> Any:
    if not place.tokenizer.exists():
        raise InputError(f"There is no tokenizer in {place.out}: run the step tokenizer first.")
    return load_tokenizer(place.tokenizer)


def _training(place: Workplace, tokenizer: Any) -> Training:
    return Training(choose_setup(tokenizer.get_vocab_size()), place.out / "generator")


def _trades(place: Workplace) -> list[Trade]:
    trades, problems = load_trades(place.own)
    report(problems)
    return trades


def _tokenizer_text(text: PublicText, trades: list[Trade]) -> Iterator[str]:
    """Text in the proportions that the tokens are to serve: service first, history last."""
    for _ in range(8):
        for trade in trades:
            for policy in trade.policies.values():
                yield from (policy.title, policy.section, policy.text)
                yield from (value for values in policy.slots.values() for value in values)
            for question in trade.questions:
                yield from (turn.text for turn in question.turns)
                yield question.answer
    for _ in range(2):
        for lines in text.intents.values():
            yield from lines
    for turns in text.dialogues:
        yield from turns
    for turns in text.talks[:1500]:
        yield from turns
    for lines in text.customers[:6000]:
        yield from lines
    for _, paragraphs in text.laws[::6]:
        yield from paragraphs
    yield from text.prose[::8]
