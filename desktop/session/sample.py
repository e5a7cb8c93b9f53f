"""The sample company that ships: its voice, its day, its knowledge and its customers."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from engine.channels.replay import Scene, read_script
from engine.errors import InputError
from engine.paths import SAMPLE
from engine.texts import Both


class Company(Struct, frozen=True):
    """``company.yaml``: `as_of` is the day that the sample's knowledge is asked for."""

    name: Both
    agent: Both
    style: str
    as_of: str


class Sample(Struct, frozen=True):
    """Everything the desk needs of the sample company."""

    company: Company
    script: tuple[Scene, ...]
    knowledge: Path
    trouble: InputError | None = None
    """What of the script was left out."""


def read_sample(folder: Path = SAMPLE) -> Sample:
    """Read the sample. Raises `InputError` (`sample_missing`, `replay_line`)."""
    try:
        company = msgspec.yaml.decode((folder / "company.yaml").read_bytes(), type=Company)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(
            "The sample company is incomplete; install the program again.", "sample_missing"
        ) from error
    script = read_script(folder / "replay.jsonl")
    return Sample(company, script.scenes, folder / "knowledge", script.trouble)
