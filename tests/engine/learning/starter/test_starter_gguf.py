from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.learning.starter.export import Shape, write_gguf
from engine.learning.starter.tiny import random_weights, tiny_tokenizer, write_tiny_gguf

TEXTS = [
    "东西坏了,想退又不值当运费,咋整?",
    "您好，退款 128.50 元会在 7 个工作日内原路退回。",
    "I'd like to return it — what's the fee?",
    "满100减20！！😀👍🏽 ok\n\n  两个空格\t制表符",
    "ＡＢＣ①②㈱  é ü ñ Ω привет",
    "\x01\x7f\u200b\ufeff",
    "   ",
    "\r\n\r\n1\n",
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", seed=3)


def test_the_same_seed_makes_the_same_file(tmp_path: Path, tiny: Path) -> None:
    again = write_tiny_gguf(tmp_path / "again.gguf", seed=3)
    other = write_tiny_gguf(tmp_path / "other.gguf", seed=4)
    assert again.read_bytes() == tiny.read_bytes()
    assert other.read_bytes() != tiny.read_bytes()


def test_llama_cpp_and_transformers_agree_on_tokens_and_logits(tiny: Path) -> None:
    import torch
    from llama_cpp import Llama
    from transformers import AutoModelForCausalLM, AutoTokenizer

    llama = Llama(str(tiny), n_ctx=256, verbose=False, logits_all=True)
    tokenizer = AutoTokenizer.from_pretrained(tiny.parent, gguf_file=tiny.name)
    model = AutoModelForCausalLM.from_pretrained(
        tiny.parent, gguf_file=tiny.name, dtype=torch.float32
    ).eval()
    for text in TEXTS:
        ours = tiny_tokenizer().encode(text, add_special_tokens=False).ids
        theirs = llama.tokenize(text.encode(), add_bos=False, special=True)
        assert theirs == ours == tokenizer.encode(text, add_special_tokens=False), text
        llama.reset()
        llama.eval(ours)
        got = np.array(llama.scores[: len(ours)])
        with torch.inference_mode():
            wanted = model(torch.tensor([ours])).logits[0].numpy()
        assert np.abs(got - wanted).max() < 0.05
        assert (got.argmax(-1) == wanted.argmax(-1)).mean() > 0.9


def test_odd_bytes_are_tokenised_and_come_back(tiny: Path) -> None:
    from llama_cpp import Llama

    llama = Llama(str(tiny), n_ctx=64, verbose=False, vocab_only=True)
    for raw in ("日本語 🇨🇳".encode(), b"\xff\xfe\x00a", b"\xe4\xb8", b"a\x80b"):
        tokens = llama.tokenize(raw, add_bos=False, special=False)
        assert all(0 <= token < llama.n_vocab() for token in tokens)
        if raw.decode("utf-8", "ignore").encode() == raw:
            assert llama.detokenize(tokens) == raw


def test_the_template_is_chatml_and_a_turn_ends_with_im_end(tiny: Path) -> None:
    from llama_cpp import Llama

    llama = Llama(str(tiny), n_ctx=64, verbose=False, vocab_only=True)
    end = llama.tokenize(b"<|im_end|>", add_bos=False, special=True)
    assert end == [llama.token_eos()]
    assert "<|im_start|>" in llama.metadata["tokenizer.chat_template"]


def test_q8_0_stays_close_to_f16(tmp_path: Path) -> None:
    from llama_cpp import Llama

    scores = []
    for precision in ("f16", "q8_0"):
        path = write_tiny_gguf(tmp_path / f"{precision}.gguf", precision=precision)  # type: ignore[arg-type]
        llama = Llama(str(path), n_ctx=64, verbose=False, logits_all=True)
        llama.eval(llama.tokenize("退货邮费由我们承担".encode(), add_bos=False))
        scores.append(np.array(llama.scores[llama.n_tokens - 1]))
    assert np.corrcoef(*scores)[0, 1] > 0.99
    assert (tmp_path / "q8_0.gguf").stat().st_size < 0.7 * (tmp_path / "f16.gguf").stat().st_size


def test_a_missing_or_misshapen_weight_is_named(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    shape = Shape(tokenizer.get_vocab_size(), 64, 2, 2, 1, 128)
    weights = random_weights(shape, 0)
    weights["model.layers.1.mlp.up_proj.weight"] = np.zeros((3, 3), dtype=np.float32)
    with pytest.raises(ValueError, match=r"layers\.1\.mlp\.up_proj"):
        write_gguf(tmp_path / "x.gguf", shape, weights, tokenizer, name="x")
    del weights["model.norm.weight"]
    with pytest.raises(ValueError, match=r"model\.norm"):
        write_gguf(tmp_path / "x.gguf", shape, weights, tokenizer, name="x")
    assert not (tmp_path / "x.gguf").exists()


def test_the_tokenizer_never_joins_punctuation_with_words() -> None:
    tokenizer = tiny_tokenizer()
    for number in range(3, tokenizer.get_vocab_size()):
        text = tokenizer.decode([number])
        if "\ufffd" in text or text.isspace():
            continue
        marks = [c for c in text.strip() if not c.isalnum()]
        assert not marks or len(text.strip()) == 1, repr(text)


def test_a_cut_file_does_not_load(tmp_path: Path, tiny: Path) -> None:
    from llama_cpp import Llama

    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.read_bytes()[: tiny.stat().st_size // 2])
    with pytest.raises(ValueError):
        Llama(str(cut), verbose=False)
