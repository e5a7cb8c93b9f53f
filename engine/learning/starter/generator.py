"""Trains the starter generator: a small Qwen3, first on public text, then on our own corpus.

Everything random comes from the seed and the step, so a run that was stopped goes on from its
checkpoint as if it had not been. How far a stage is follows the time it was given, so a busy
machine trains on less rather than longer.
"""

from __future__ import annotations

import json
import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from msgspec import Struct

from engine.errors import InputError
from engine.learning.starter.chat import LONGEST, Sample
from engine.learning.starter.export import HEAD_DIM, Shape
from engine.learning.starter.head_start import ROPE_BASE, copying_weights

SEED = 20261122
POOL = 8
"""Steps whose samples are drawn together, so that each step gets samples of like length."""
TEXT_SHARE = 0.35
"""Share of the tokens outside answers whose loss is taken, so that the widest layer costs less."""
EMBEDDING_RATE = 0.5
"""The learning rate of embedding and norms as a share of the matrices'."""
SAVE_EVERY = 120.0
"""Seconds between checkpoints."""


class Setup(Struct, frozen=True):
    """What is trained and how: model size, tokens per step and per piece of it, learning rate."""

    shape: Shape
    step_tokens: int
    piece_tokens: int
    rate: float
    device: str


class Progress(Struct):
    """How far the training is; saved with every checkpoint."""

    stage: str = ""
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    answer_loss: float = 0.0
    all_tokens: int = 0
    all_seconds: float = 0.0


def choose_setup(vocabulary: int, *, gpu: bool | None = None) -> Setup:
    """The small configuration on a CPU, a larger one where there is a GPU (None: look)."""
    import torch

    if torch.cuda.is_available() if gpu is None else gpu:
        shape = Shape(
            vocabulary,
            hidden=512,
            layers=6,
            heads=6,
            kv_heads=3,
            feed_forward=1536,
            rope_base=ROPE_BASE,
        )
        return Setup(shape, step_tokens=65_536, piece_tokens=32_768, rate=1e-3, device="cuda")
    shape = Shape(
        vocabulary,
        hidden=256,
        layers=6,
        heads=4,
        kv_heads=2,
        feed_forward=768,
        rope_base=ROPE_BASE,
    )
    return Setup(shape, step_tokens=4096, piece_tokens=2048, rate=1e-3, device="cpu")


def build_model(shape: Shape) -> Any:
    """An untrained transformers model of `shape`."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=HEAD_DIM,
        max_position_embeddings=shape.context,
        rms_norm_eps=shape.epsilon,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        tie_word_embeddings=True,
        use_cache=False,
    )
    return Qwen3ForCausalLM(config)


class Training:
    """A model in training with its optimizers, in a folder that it can be taken up from."""

    def __init__(self, setup: Setup, folder: Path) -> None:
        import torch

        self._torch = torch
        self._folder = folder
        self.setup = setup
        self.progress = Progress()
        self._stopped = False
        self._pool: tuple[tuple[str, int], list[list[Sample]]] | None = None
        torch.manual_seed(SEED)
        self.model = build_model(setup.shape)
        self._head_start()
        self.model.to(setup.device)
        matrices = [
            value
            for name, value in self.model.named_parameters()
            if value.ndim == 2 and "embed_tokens" not in name
        ]
        known = {id(value) for value in matrices}
        rest = [value for value in self.model.parameters() if id(value) not in known]
        self._optimizers = [
            torch.optim.Muon(
                matrices, lr=setup.rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.AdamW(
                rest, lr=setup.rate * EMBEDDING_RATE, betas=(0.9, 0.98), weight_decay=0.0
            ),
        ]
        self._resume()

    def stage(
        self,
        name: str,
        make: Callable[[Random], Sample],
        minutes: float,
        rate: Callable[[float], float],
        *,
        steps: int | None = None,
    ) -> bool:
        """Trains `minutes` on what `make` makes; false when a signal or `steps` ended it before.

        `rate` maps the share of the stage done (0…1) to the share of the learning rate. A stage
        that the checkpoint says is over is not repeated.
        """
        order = ("pretrain", "tune")
        current = self.progress
        if current.stage != name:
            if current.stage and order.index(current.stage) > order.index(name):
                return True
            self.progress = current = Progress(
                stage=name, all_tokens=current.all_tokens, all_seconds=current.all_seconds
            )
        self._listen()
        self.model.train()
        saved = time.monotonic()
        last = None if steps is None else current.step + steps
        while current.seconds < minutes * 60 and not self._stopped:
            if current.step == last:
                self._stopped = True
                break
            begun = time.monotonic()
            share = rate(min(1.0, current.seconds / (minutes * 60)))
            for optimizer, part in zip(self._optimizers, (1.0, EMBEDDING_RATE), strict=True):
                for group in optimizer.param_groups:
                    group["lr"] = self.setup.rate * part * share
            samples = self._samples(make, f"{SEED}-{name}", current.step)
            loss, tokens = self._step(samples)
            spent = time.monotonic() - begun
            current.step += 1
            current.tokens += tokens
            current.all_tokens += tokens
            current.seconds += spent
            current.all_seconds += spent
            weight = max(0.02, 1 / current.step)
            current.answer_loss += weight * (loss - current.answer_loss)
            if current.step % 10 == 0:
                self._log(share)
            if time.monotonic() - saved > SAVE_EVERY:
                self.save()
                saved = time.monotonic()
        self.save()
        return not self._stopped

    def save(self) -> None:
        """Writes the checkpoint, replacing the former one at once."""
        path = self._folder / "checkpoint.pt"
        partial = path.with_suffix(".part")
        self._folder.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "random": self._torch.get_rng_state(),
            "shape": _as_dict(self.setup.shape),
            "progress": _as_dict(self.progress),
        }
        with partial.open("wb") as file:
            self._torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def weights(self) -> dict[str, Any]:
        """The weights by name as 32-bit numpy arrays."""
        return {
            name: value.detach().float().cpu().numpy()
            for name, value in self.model.state_dict().items()
            if name != "lm_head.weight"
        }

    def _head_start(self) -> None:
        weights = copying_weights(self.setup.shape, SEED)
        state = {name: self._torch.from_numpy(value) for name, value in weights.items()}
        self.model.load_state_dict(state, strict=False)

    def _resume(self) -> None:
        path = self._folder / "checkpoint.pt"
        if not path.exists():
            return
        try:
            state = self._torch.load(path, map_location=self.setup.device, weights_only=True)
        except Exception as error:  # torch raises many kinds on a broken file.
            raise InputError(
                f"The checkpoint {path} cannot be read ({type(error).__name__}). It was left as it "
                "is; delete it to begin anew."
            ) from error
        if state["shape"] != _as_dict(self.setup.shape):
            raise InputError(
                f"The checkpoint {path} holds a model of another size. It was left as it is; "
                "give another --out."
            )
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self._torch.set_rng_state(state["random"].cpu())
        self.progress = Progress(**state["progress"])

    def _samples(self, make: Callable[[Random], Sample], seed: str, step: int) -> list[Sample]:
        """The samples of `step`: of a pool for several steps, those of like length."""
        pool, place = divmod(step, POOL)
        if self._pool is None or self._pool[0] != (seed, pool):
            random = Random(f"{seed}-{pool}")
            samples: list[Sample] = []
            total = 0
            while total < POOL * self.setup.step_tokens:
                sample = make(random)
                samples.append(sample)
                total += len(sample.ids)
            samples.sort(key=lambda sample: len(sample.ids))
            steps = _pieces(samples, math.ceil(total / POOL) + LONGEST)
            random.shuffle(steps)
            self._pool = ((seed, pool), steps)
        steps = self._pool[1]
        return steps[place % len(steps)]

    def _step(self, samples: list[Sample]) -> tuple[float, int]:
        """One update; the mean loss of the answers' tokens, and the tokens read."""
        torch = self._torch
        whole = sum(_counted(sample) for sample in samples)
        answers, answer_loss = 0, 0.0
        for piece in _pieces(samples, self.setup.piece_tokens):
            longest = max(len(sample.ids) for sample in piece)
            ids = torch.zeros((len(piece), longest), dtype=torch.long)
            weights = torch.zeros((len(piece), longest))
            for row, sample in enumerate(piece):
                ids[row, : len(sample.ids)] = torch.tensor(sample.ids)
                weights[row, : len(sample.ids)] = torch.tensor(sample.weights)
            ids, weights = ids.to(self.setup.device), weights.to(self.setup.device)
            with torch.autocast(self.setup.device, torch.bfloat16):
                hidden = self.model.model(ids).last_hidden_state
                weights = weights[:, 1:]
                chance = torch.rand(weights.shape).to(weights.device)
                counted = (weights >= 1) | ((weights > 0) & (chance < TEXT_SHARE))
                logits = self.model.lm_head(hidden[:, :-1][counted])
            each = torch.nn.functional.cross_entropy(
                logits.float(), ids[:, 1:][counted], reduction="none"
            )
            weight = weights[counted]
            ((each * weight).sum() / whole).backward()
            full = weight >= 1
            answers += int(full.sum())
            answer_loss += float(each.detach()[full].sum())
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return answer_loss / max(1, answers), sum(len(sample.ids) for sample in samples)

    def _log(self, share: float) -> None:
        now = self.progress
        line = _as_dict(now) | {"rate": share, "per_second": round(now.tokens / now.seconds)}
        print(json.dumps(line), flush=True)

    def _listen(self) -> None:
        def stop(_signal: int, _frame: FrameType | None) -> None:
            self._stopped = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)


def warm_and_hold(done: float) -> float:
    """The learning rate's share in pre-training: up in the first 2 %, then constant."""
    return min(1.0, 0.05 + done / 0.02)


def fall(done: float) -> float:
    """The learning rate's share in tuning: from 0.7 down to 0, slowly at first."""
    return 0.7 * 0.5 * (1 + math.cos(math.pi * done))


def _counted(sample: Sample) -> float:
    """What the sample's tokens count together, on average, in the loss."""
    return sum(weight if weight >= 1 else weight * TEXT_SHARE for weight in sample.weights[1:])


def _pieces(samples: list[Sample], tokens: int) -> list[list[Sample]]:
    """`samples`, sorted by length, in pieces of about `tokens` with padding counted."""
    pieces: list[list[Sample]] = []
    for sample in samples:
        if pieces and len(sample.ids) * (len(pieces[-1]) + 1) <= tokens:
            pieces[-1].append(sample)
        else:
            pieces.append([sample])
    return pieces


def _as_dict(value: Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}
