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
from engine.learning.starter.own_tasks import Case, make_case, quotation, rankings
from engine.learning.starter.retrieval import FullText
from engine.learning.starter.tokenizer import encode

_CITED = re.compile(r"([^\[\]]+)\[(\d)\]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ZH_END = re.compile(r"(?<=[。！？])")
_EN_END = re.compile(r"(?<=[.!?])\s+")


class GeneratorFigures(Struct, frozen=True):
    """Shares over `questions` questions of trades that were left out, their passages in the order
    of full text, as in the app.

    `right_sentence`: the sentence of the evidence that the model finds likeliest is one to quote;
    `right_by_words`: the same for BM25 over character pairs; `by_chance` for a blind choice.
    `copied`: of the cited sentences in free greedy answers, those that stand in the evidence word
    for word; `cited`: those that stand in the very passage they cite;
    `stopped`: answers that end by themselves; `foreign_numbers`: answers with a number that stands
    neither in the evidence nor in the conversation. `answer_loss` is per token of the answer.
    """

    questions: int
    answer_loss: float
    right_sentence: float
    right_by_words: float
    by_chance: float
    copied: float
    cited: float
    stopped: float
    foreign_numbers: float


def measure_generator(
    model: Any, tokenizer: Any, trades: Sequence[Trade], seed: int, most: int = 120
) -> GeneratorFigures:
    """Tries `model` (transformers, on the CPU) on at most `most` questions of `trades`."""
    random = Random(seed)
    asked = [
        (trade, question, ranking)
        for trade in trades
        for question, ranking in zip(trade.questions, rankings(trade), strict=True)
        if question.policies and question.sentences
    ]
    random.shuffle(asked)
    maker = SampleMaker(tokenizer)
    rows = []
    for trade, question, ranking in asked[:most]:
        case = make_case(trade, question, random, ranking)
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
        sum(_log_likelihoods(model, prompt, encode(tokenizer, sentence))) for sentence, _ in choices
    ]
    gold = {sentence for sentence, _ in case.quoted}
    by_words = FullText([sentence for sentence, _ in choices]).scores(case.turns[-1].text)
    answer, stopped = _greedy(model, tokenizer, prompt)
    known = "\n".join([*(item.text for item in case.evidence), *(t.text for t in case.turns)])
    numbers = _NUMBER.findall(re.sub(r"\[\d\]", "", answer))
    right = _log_likelihoods(model, prompt, sample.ids[begin:-1])
    return (
        -float(np.mean(right)),
        float(choices[int(np.argmax(likely))][0] in gold),
        float(choices[int(np.argmax(by_words))][0] in gold),
        sum(sentence in gold for sentence, _ in choices) / len(choices),
        *_copied(answer, case),
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


def _copied(answer: str, case: Case) -> tuple[float, float]:
    texts = {item.n: item.text for item in case.evidence}
    quoted = [(part.strip(), int(n)) for part, n in _CITED.findall(answer)]
    if not quoted:
        return 0.0, 0.0
    anywhere = sum(any(part in text for text in texts.values()) for part, _ in quoted)
    cited = sum(part in texts.get(n, "") for part, n in quoted)
    return anywhere / len(quoted), cited / len(quoted)


def _log_likelihoods(model: Any, prompt: list[int], answer: list[int]) -> list[float]:
    """The log-likelihood of each of the answer's tokens."""
    import torch

    with torch.inference_mode():
        ids = torch.tensor([prompt + answer])
        logits = model(ids).logits[0, len(prompt) - 1 : -1].float()
        chosen = logits.log_softmax(-1).gather(1, torch.tensor(answer)[:, None])
    found: list[float] = chosen[:, 0].tolist()
    return found


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
