"""What a person can set, with its default, its limits and where it is kept."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from engine import paths
from engine.errors import InputError
from engine.protocol import EngineConfig
from engine.records import DraftMode, Language


class Settings(Struct, frozen=True):
    """All settings. Empty `model` and `embedder` mean the starter models that ship."""

    language: Language = "zh"
    theme: Literal["system", "light", "dark"] = "system"
    model: str = ""
    embedder: str = ""
    gpu_layers: Annotated[int, Meta(ge=-1, le=1000)] = -1
    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    context: Annotated[int, Meta(ge=1024, le=131072)] = 4096
    mode: DraftMode = "auto"
    style: str = "warm_shop"
    enter_sends: bool = False
    undo_seconds: Annotated[float, Meta(ge=0, le=60)] = 5.0
    agent: Annotated[str, Meta(max_length=60)] = ""


def load(folder: paths.DataFolder) -> Settings:
    """The settings in `folder`, defaults where none are kept; `InputError` on a broken file."""
    try:
        written = folder.settings.read_text("utf-8")
        import tomllib  # Here: most people never have such a file.

        return msgspec.convert(tomllib.loads(written), Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise InputError(
            f"The settings file {folder.settings} cannot be read ({error}). Nothing was changed; "
            "mend or remove that file, the defaults are used without it.",
            "settings",
            path=str(folder.settings),
        ) from error


def save(folder: paths.DataFolder, settings: Settings) -> None:
    """Replace the settings file in one step: a crash leaves the old or the new one, whole.

    Raises `InputError` when a value is out of its limits or the file cannot be written; the old
    file is in use then.
    """
    scratch = folder.settings.with_suffix(".tmp")
    try:
        settings = msgspec.convert(msgspec.to_builtins(settings), Settings)
        lines = [
            f"{name} = {_toml(value)}\n"
            for name, value in msgspec.structs.asdict(settings).items()
            if value != getattr(Settings(), name)
        ]
        folder.root.mkdir(parents=True, exist_ok=True)
        with scratch.open("w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(folder.settings)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
        detail = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"The settings could not be written to {folder.settings} ({detail}). The former ones "
            "stay in use.",
            "settings_not_written",
            path=str(folder.settings),
            detail=detail,
        ) from error


def engine_config(folder: paths.DataFolder, settings: Settings) -> EngineConfig:
    """What an engine process needs to serve `folder` under `settings`."""
    style = paths.STYLES / f"{settings.style}.yaml"
    return EngineConfig(
        model=str(_chosen(settings.model, folder.models, paths.STARTER_MODEL)),
        embedder=str(_chosen(settings.embedder, folder.models, paths.STARTER_EMBEDDER)),
        knowledge=str(folder.knowledge),
        rules=str(paths.RULES),
        style=str(style),
        language=settings.language,
        gpu_layers=settings.gpu_layers,
        threads=settings.threads,
        context=settings.context,
        mode=settings.mode,
        database=str(folder.database),
    )


def _chosen(name: str, models: Path, default: Path) -> Path:
    if not name:
        return default
    path = Path(name).expanduser()
    return path if path.is_absolute() else models / name


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    # A JSON string is a TOML basic string except for DEL, which JSON leaves bare.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
