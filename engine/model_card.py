"""What is known of a model, beside its file: how it is best let write, and by which evidence.

`starter.gguf` has its card in `starter.card.json`. A model without a card, or whose figures were
measured on another file of that name, writes freely: nothing speaks against it yet.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

Mode = Literal["verbatim", "free"]
UNMEASURED: Mode = "free"

_SUFFIX = ".card.json"
_Share = Annotated[float, Meta(ge=0, le=1)]


class ModeEvidence(Struct, frozen=True):
    """Both modes over the same cases that have an answer, and the `mode` that they speak for.

    `model` is the fingerprint of the file that was measured, `day` an ISO date, `verbatim` and
    `free` the shares of the cases solved; `low` and `high` bound the difference free − verbatim
    (95 %).
    """

    mode: Mode
    model: str
    day: str
    cases: Annotated[int, Meta(ge=1)]
    verbatim: _Share
    free: _Share
    low: float
    high: float


class ModelCard(Struct, frozen=True):
    """`trust` says how much retrieval's view of a sentence counts against the model's liking.

    It is an exponent: 0 leaves the choice of sentences to the model, the more the less it is heard.
    """

    trust: Annotated[float, Meta(ge=0, le=1000)] = 1.0
    measured: ModeEvidence | None = None

    @property
    def mode(self) -> Mode:
        """How to draft with this model where the person has chosen neither."""
        return self.measured.mode if self.measured else UNMEASURED


def card_path(model: Path) -> Path:
    """Where the card of the model file `model` is."""
    return model.with_suffix(_SUFFIX)


def read_card(model: Path) -> ModelCard:
    """The card of the model file `model`; an empty one where there is none that can be read.

    Figures that were measured on another file are left out.
    """
    try:
        card = msgspec.json.decode(card_path(model).read_bytes(), type=ModelCard)
        known = card.measured is None or card.measured.model == fingerprint(model)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return ModelCard()
    return card if known else replace(card, measured=None)


def write_card(model: Path, card: ModelCard) -> Path:
    """Put `card` beside the model file `model`, whole or not at all; where it is. `OSError`."""
    path = card_path(model)
    scratch = path.with_name(f".{path.name}.part")
    try:
        scratch.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return path


def fingerprint(path: Path) -> str:
    """A short hash of a model file: size, first and last MiB (all of it would be too slow)."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
        file.seek(max(0, size - (1 << 20)))
        digest.update(file.read(1 << 20))
    return digest.hexdigest()[:12]
