from __future__ import annotations

import json
import lzma
from pathlib import Path
from random import Random

import numpy as np
import pytest

from engine.errors import InputError
from engine.learning.starter.__main__ import main
from engine.learning.starter.chat import Sample, SampleMaker
from engine.learning.starter.corpus import load_trades
from engine.learning.starter.export import Shape, write_gguf
from engine.learning.starter.generator import Setup, Training, build_model, choose_setup
from engine.learning.starter.head_start import ROPE_BASE, copying_weights
from engine.learning.starter.measure import measure_generator
from engine.learning.starter.own_tasks import OwnTasks
from engine.learning.starter.public import read_public
from engine.learning.starter.public_tasks import PublicTasks
from engine.learning.starter.recipes import OWN_CORPUS, Workplace, export_generator
from engine.learning.starter.tiny import tiny_tokenizer

SHAPE = Shape(640, 256, 2, 4, 2, 32, rope_base=ROPE_BASE)
SETUP = Setup(SHAPE, step_tokens=300, piece_tokens=300, rate=1e-3, device="cpu")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("public")
    law = "第一条 当事人应当在三十日内提出申请。逾期的，每日加收五十元费用。"
    turns = [
        {"role": "customer", "text": "附近有什么酒店？"},
        {"role": "agent", "text": "附近有两家酒店，电话是12345。"},
    ]
    files: dict[str, list[object]] = {
        "law_zh": [{"title": "某法(2000-01-01)", "text": "\n".join([law] * 12)}] * 2,
        "crosswoz_dialogues_zh": [{"turns": turns * 2}] * 3,
        "smile_dialogues_zh": [{"turns": turns}] * 3,
        "modern_prose_zh": [{"text": "他走到河边，看见一条小船。"}] * 30,
        "banking77_train_en": [
            {"text": f"Where is my card number {n}?", "intent": f"card_{n % 6}"} for n in range(60)
        ],
        "multidogo_customers_en": [
            {"customer": [{"text": "I would like to book a flight to the coast"}]}
        ]
        * 8,
    }
    for name, rows in files.items():
        with lzma.open(folder / f"{name}.jsonl.xz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return folder


def make(random: Random) -> Sample:
    ids = [random.randrange(3, 640) for _ in range(random.randint(20, 60))]
    return Sample(ids, [0.3] * 10 + [1.0] * (len(ids) - 10))


def test_the_head_start_copies_what_stood_before() -> None:
    import torch

    model = build_model(SHAPE)
    state = {name: torch.from_numpy(value) for name, value in copying_weights(SHAPE, 1).items()}
    model.load_state_dict(state, strict=False)
    random = torch.Generator().manual_seed(5)
    text = torch.randint(3, 640, (1, 200), generator=random)
    ids = torch.cat([text, text[:, 60:100]], dim=1)
    with torch.inference_mode():
        guessed = model.eval()(ids).logits[0].argmax(-1)
    right = (guessed[203:239] == ids[0, 204:240]).float().mean()
    assert right > 0.9


def test_the_configurations_have_the_size_that_ships_and_room_for_a_head_start() -> None:
    small = choose_setup(8192, gpu=False).shape
    large = choose_setup(8192, gpu=True).shape
    assert 6e6 < small.parameters() < 12e6
    assert 20e6 < large.parameters() < 45e6
    assert large.parameters() * 34 / 32 < 28e6
    for shape in (small, large):
        weights = copying_weights(shape, 1)
        assert {name: value.shape for name, value in weights.items()} == shape.tensors()


def test_a_head_start_needs_room() -> None:
    with pytest.raises(ValueError, match="too small"):
        copying_weights(Shape(640, 64, 2, 2, 1, 32, rope_base=ROPE_BASE), 1)


def test_a_stopped_training_goes_on_as_if_it_had_not_been_stopped(tmp_path: Path) -> None:
    whole = Training(SETUP, tmp_path / "whole")
    assert not whole.stage("pretrain", make, 60, lambda _: 1.0, steps=10)
    first = Training(SETUP, tmp_path / "parts")
    first.stage("pretrain", make, 60, lambda _: 1.0, steps=4)
    second = Training(SETUP, tmp_path / "parts")
    assert second.progress.step == 4
    second.stage("pretrain", make, 60, lambda _: 1.0, steps=6)
    assert second.progress.tokens == whole.progress.tokens
    assert second.progress.answer_loss == pytest.approx(whole.progress.answer_loss, rel=1e-3)
    for name, value in whole.weights().items():
        assert np.allclose(value, second.weights()[name], atol=1e-5), name


def test_a_finished_stage_is_not_repeated(tmp_path: Path) -> None:
    training = Training(SETUP, tmp_path)
    training.stage("pretrain", make, 60, lambda _: 1.0, steps=1)
    training = Training(SETUP, tmp_path)
    training.stage("tune", make, 60, lambda _: 1.0, steps=1)
    training = Training(SETUP, tmp_path)
    before = training.weights()
    assert training.stage("pretrain", make, 60, lambda _: 1.0, steps=1)
    assert training.progress.stage == "tune"
    assert all(np.array_equal(value, training.weights()[name]) for name, value in before.items())


def test_a_broken_or_foreign_checkpoint_is_refused_and_kept(tmp_path: Path) -> None:
    Training(SETUP, tmp_path).save()
    other = Setup(Shape(640, 256, 3, 4, 2, 32, rope_base=ROPE_BASE), 300, 300, 1e-3, "cpu")
    with pytest.raises(InputError, match="another size"):
        Training(other, tmp_path)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match="cannot be read"):
        Training(SETUP, tmp_path)
    assert path.stat().st_size == 5000


def test_public_text_makes_samples_whose_answers_stand_in_the_evidence(public: Path) -> None:
    tokenizer = tiny_tokenizer()
    tasks = PublicTasks(read_public(public), SampleMaker(tokenizer))
    for seed in range(40):
        sample = tasks.grounding(Random(seed))
        assert len(sample.ids) == len(sample.weights) <= 900
        answer = [token for token, w in zip(sample.ids, sample.weights, strict=True) if w >= 1]
        if not answer:
            continue
        text = tokenizer.decode(sample.ids, skip_special_tokens=False)
        first = tokenizer.decode(answer).split("[")[0].strip()
        assert text.count(first) >= 2, (first, text)
    assert tasks.sample(Random(3)) == tasks.sample(Random(3))


def test_a_missing_file_of_public_text_is_named(public: Path, tmp_path: Path) -> None:
    assert main(["tokenizer", "--corpus", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    with pytest.raises(InputError, match="law_zh"):
        read_public(tmp_path)


def test_the_tokenizer_step_runs_from_the_command_line_and_is_not_repeated(
    public: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["tokenizer", "--corpus", str(public), "--out", str(out), "--own", str(tmp_path)]
    (tmp_path / "bad.jsonl").write_text("{broken\n", encoding="utf-8")
    assert main(arguments) == 0
    assert "bad.jsonl:1: skipped" in capsys.readouterr().err
    before = (out / "tokenizer.json").read_bytes()
    assert main(arguments) == 0
    assert (out / "tokenizer.json").read_bytes() == before


def test_nothing_untrained_is_exported(public: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tokenizer"):
        export_generator(Workplace(public, tmp_path))
    tiny_tokenizer().save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="no trained generator"):
        export_generator(Workplace(public, tmp_path))


def test_a_tuned_model_is_measured_and_speaks_in_llama_cpp(tmp_path: Path) -> None:
    from llama_cpp import Llama

    tokenizer = tiny_tokenizer()
    trades, _ = load_trades(OWN_CORPUS)
    tasks = OwnTasks(trades[:2], SampleMaker(tokenizer))
    training = Training(SETUP, tmp_path)
    training.stage("tune", tasks.sample, 60, lambda _: 1.0, steps=1)
    figures = measure_generator(training.model.float().eval(), tokenizer, trades[:1], 1, most=3)
    assert figures.questions == 3
    assert 0 <= figures.right_sentence <= 1
    assert figures.answer_loss > 0
    path = tmp_path / "starter.gguf"
    write_gguf(path, SHAPE, training.weights(), tokenizer, name="starter", precision="q8_0")
    llama = Llama(str(path), n_ctx=256, verbose=False)
    reply = llama.create_chat_completion([{"role": "user", "content": "你好"}], max_tokens=4)
    assert reply["choices"]
