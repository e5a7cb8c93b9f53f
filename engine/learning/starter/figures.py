"""What was measured while the models were made: one small JSON file beside the results."""

from __future__ import annotations

import platform
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

FILE = "figures.json"


def read_figures(folder: Path) -> dict[str, Any]:
    """All figures noted in `folder` so far, by part."""
    path = folder / FILE
    if not path.exists():
        return {}
    known: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return known


def note_figures(folder: Path, part: str, figures: object) -> None:
    """Notes `figures` (anything msgspec encodes) of one part, replacing what it had."""
    folder.mkdir(parents=True, exist_ok=True)
    known = read_figures(folder) | {part: figures, "date": date.today().isoformat()}
    partial = folder / f"{FILE}.part"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")
    partial.replace(folder / FILE)


def machine() -> str:
    """The processor or accelerator that training runs on, in words."""
    import torch

    if torch.cuda.is_available():
        return f"GPU ({torch.cuda.get_device_name()})"
    return f"CPU ({platform.machine()}, {torch.get_num_threads()} threads), no GPU"
