"""How an export that could not be written is told."""

from __future__ import annotations

from pathlib import Path

from engine.errors import InputError


def export_failed(path: Path, error: OSError) -> InputError:
    """The refusal (`export_failed`): each file is replaced in one step, so nothing is lost."""
    return InputError(
        f"{path} could not be written ({error.strerror}). What lay there is unchanged; free space "
        "or choose another folder.",
        "export_failed",
        path=str(path),
        detail=error.strerror or "",
    )
