"""What the generator can do on trades it never saw: choose sentences, copy, cite, stop."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
from msgspec import Struct

from engine.learning.starter.chat import SampleMaker
from engine.learning.starter.corpus import Trade
from engine.learning.starter.own_tasks import Case, make_case, quotation
from engine.learning.starter.retrieval import FullText
from engine.learning.starter.tokenizer import encode

_CITED = re.compile(r"([^\[\]]+)\[(\d)\]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ZH_END = re.compile(r"(?<=[。！？])")
_EN_END = re.compile(r"(?<=[.!?])\s+")


class GeneratorFigures(Struct, frozen=True):
    """Shares over `questions` questions of trades that were left out.

    `right_sentence`: the sentence of the evidence that the model finds likeliest is one to quote;
    `right_by_words`: the same for BM25 over character pairs; `by_chance` for a blind choice.
    `copied`: of free greedy answers, whole quoted sentences that stand in the passage they cite;
    `stopped`: answers that end by themselves; `foreign_numbers`: answers with a number that stands
    neither in the evidence nor in the conversation. `answer_loss` is per token of the answer.
    """

    questions: int
    answer_loss: float
    right_sentence: float
    right_by_words: float
    by_chance: float
    copied: float
    stopped: float
    foreign_numbers: float


def measure_generator(
    model: Any, tokenizer: Any, trades: Sequence[Trade], seed: int, most: int = 120
) -> GeneratorFigures:
    """Tries `model` (transformers, on the CPU) on at most `most` questions of `trades`."""
    random = Random(seed)
    asked = [
        (trade, question)
        for trade in trades
        for question in trade.questions
        if question.policies and question.sentences
    ]
    random.shuffle(asked)
    maker = SampleMaker(tokenizer)
    rows = []
    for trade, question in asked[:most]:
        case = make_case(trade, question, random)
        rows.append(_tried(model, tokenizer, maker, case, random))
    means = np.mean(np.array(rows, dtype=np.float64), axis=0)
    return GeneratorFigures(len(rows), *(round(float(mean), 3) for mean in means))


def _tried(
    model: Any, tokenizer: Any, maker: SampleMaker, case: Case, random: Random
) -> tuple[float, ...]:
    sample = maker.grounded(
        case.turns, case.evidence, quotation(case), case.language, random, text_weight=0.0
    )
    begin = next(place for place, weight in enumerate(sample.weights) if weight >= 1)
    prompt = sample.ids[:begin]
    choices = candidate_sentences(case)
    likely = [
        _log_likelihood(model, prompt, encode(tokenizer, f"{sentence}[{n}]"))
        for sentence, n in choices
    ]
    gold = {sentence for sentence, _ in case.quoted}
    by_words = FullText([sentence for sentence, _ in choices]).scores(case.turns[-1].text)
    answer, stopped = _greedy(model, tokenizer, prompt)
    known = "\n".join([*(item.text for item in case.evidence), *(t.text for t in case.turns)])
    numbers = _NUMBER.findall(re.sub(r"\[\d\]", "", answer))
    return (
        -_log_likelihood(model, prompt, sample.ids[begin:-1]),
        float(choices[int(np.argmax(likely))][0] in gold),
        float(choices[int(np.argmax(by_words))][0] in gold),
        sum(sentence in gold for sentence, _ in choices) / len(choices),
        _copied(answer, case),
        float(stopped),
        float(any(number not in known for number in numbers)),
    )


def candidate_sentences(case: Case) -> list[tuple[str, int]]:
    """Every sentence of the evidence with the number of its passage."""
    pattern = _EN_END if case.language == "en" else _ZH_END
    return [
        (sentence.strip(), item.n)
        for item in case.evidence
        for sentence in pattern.split(item.text)
        if sentence.strip()
    ]


def _copied(answer: str, case: Case) -> float:
    texts = {item.n: item.text for item in case.evidence}
    cited = _CITED.findall(answer)
    if not cited:
        return 0.0
    return sum(part.strip() in texts.get(int(n), "") for part, n in cited) / len(cited)


def _log_likelihood(model: Any, prompt: list[int], answer: list[int]) -> float:
    """The mean log-likelihood of the answer's tokens."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([prompt + answer])
        logits = model(ids).logits[0, len(prompt) - 1 : -1].float()
        chosen = logits.log_softmax(-1).gather(1, torch.tensor(answer)[:, None])
    return float(chosen.mean())


def _greedy(model: Any, tokenizer: Any, prompt: list[int], most: int = 120) -> tuple[str, bool]:
    import torch

    ids = torch.tensor([prompt])
    written: list[int] = []
    past = None
    end = tokenizer.token_to_id("<|im_end|>")
    with torch.inference_mode():
        for _ in range(most):
            out = model(ids, past_key_values=past, use_cache=True)
            past = out.past_key_values
            token = int(out.logits[0, -1].argmax())
            if token == end:
                return str(tokenizer.decode(written)), True
            written.append(token)
            ids = torch.tensor([[token]])
    return str(tokenizer.decode(written)), False
