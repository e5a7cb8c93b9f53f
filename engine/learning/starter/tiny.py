"""A tiny, valid Qwen3 model with random weights, made in a second from nothing: for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.learning.starter.export import Precision, Shape, write_gguf
from engine.learning.starter.tokenizer import train_tokenizer
from engine.model_card import ModeEvidence, ModelCard, fingerprint, write_card

TEXT = """\
您好，您的订单今天发出，预计三天内送到。退货邮费由我们承担，请您保留好包装和发票。
商品在保修期内出现故障，可以免费上门检修；人为损坏不在保修范围内，维修费用由客户承担。
会员每月可以领取一张优惠券，满一百元减二十元，优惠券过期后不能再用。
请问您的手机号后四位是多少？我帮您查一下物流，稍后给您回复。
非常抱歉给您带来不便，这个问题我没有查到依据，我请同事为您核实后再答复。
根据下面的依据回答客户的问题，每句话后面标出依据的编号，不知道就说不知道。
依据：[1] [2] [3] 客户：客服：问题：资料：
Hello, your order was shipped today and will arrive within three working days.
Returns are free of charge if the item is faulty; please keep the box and the invoice.
The warranty covers repairs for one year. Damage caused by the customer is not covered.
Answer the customer's question from the evidence below and cite each source by its number.
I am sorry, I could not find this in our policies; a colleague will check and reply to you.
"""


@cache
def tiny_tokenizer(vocabulary: int = 640) -> Any:
    """A small byte-level BPE tokenizer trained on the text of this file."""
    return train_tokenizer(TEXT.splitlines() * 2, vocabulary)


def write_tiny_gguf(
    path: Path,
    seed: int = 0,
    layers: int = 2,
    hidden: int = 64,
    heads: int = 2,
    kv_heads: int = 1,
    feed_forward: int = 128,
    context: int = 2048,
    precision: Precision = "f16",
) -> Path:
    """Writes a random model to `path` and returns it; the same `seed` makes the same file.

    It loads in llama.cpp and in transformers, speaks ChatML, and says nothing sensible.
    """
    tokenizer = tiny_tokenizer()
    shape = Shape(
        vocabulary=tokenizer.get_vocab_size(),
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        feed_forward=feed_forward,
        context=context,
    )
    weights = random_weights(shape, seed)
    write_gguf(path, shape, weights, tokenizer, name="zuoxi-tiny", precision=precision)
    return path


def let_quote(model: Path) -> Path:
    """Give `model` a card by which it drafts in whole sentences, as retrieval chooses; `model`."""
    evidence = ModeEvidence("verbatim", fingerprint(model), "2026-11-22", 1, 1.0, 0.0, -1.0, -1.0)
    write_card(model, ModelCard(trust=30.0, measured=evidence))
    return model


def random_weights(shape: Shape, seed: int) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Weights for `shape`, lively enough that different prompts give different logits."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, size in shape.tensors().items():
        if len(size) == 1:
            values = 1.0 + 0.1 * random.standard_normal(size)
        else:
            values = random.standard_normal(size) / np.sqrt(size[-1])
        weights[name] = values.astype(np.float32)
    return weights
