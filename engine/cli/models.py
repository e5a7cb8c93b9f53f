"""`zuoxi model …`: which models there are, add one from a file, choose one."""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import os
import re
import shutil
import stat
from pathlib import Path

import typer
from msgspec.structs import replace

from engine import paths, settings
from engine.cli.console import Json, Session, emit, end_progress, progress, report, show
from engine.errors import InputError, ModelError
from engine.model_card import ModelCard, card_path, read_card, write_card
from engine.texts import text

group = typer.Typer(help="Models: list, add from a file, use.", no_args_is_help=True)
STARTER = "starter"
_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
# A card holds a few figures; what is larger is none.
_CARD_BYTES = 64 << 10


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="model")


@group.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """The models that can be used, and which one is."""
    session: Session = context.obj
    used = session.settings.model
    found = [(STARTER, paths.STARTER_MODEL, not used)]
    for path in sorted(session.folder.models.glob("*.gguf")):
        if _files(path)[0] == path:
            found.append((path.name, path, used in (path.name, str(path))))
    if used and not any(in_use for *_, in_use in found):
        found.append((used, Path(used), True))
    rows = [
        {
            "name": name,
            "path": str(path),
            "bytes": sum(one.stat().st_size for one in _files(path) if one.exists()),
            "in_use": in_use,
        }
        for name, path, in_use in found
    ]
    if json:
        emit({"models": rows})
        return
    for row in rows:
        show(f"{'*' if row['in_use'] else ' '} {row['name']}  {row['bytes']:,} B")


@group.command("add")
def add(
    context: typer.Context,
    source: Path = typer.Argument(metavar="PATH", help="A GGUF file, on a stick for example."),
    sha256: str = typer.Option("", "--sha256", help="Refuse the file unless this is its hash."),
    json: Json = False,
) -> None:
    """Copy a GGUF model from a file or a stick into the data folder.

    The card beside it goes along if its figures were measured on this very file.
    """
    session: Session = context.obj
    _check_source(source)
    # Only what is called so is listed.
    name = source.name if source.suffix == ".gguf" else f"{source.name}.gguf"
    target = session.folder.models / name
    digest = _copy_checked(source, target, sha256.lower())
    added: dict[str, object] = {"name": name, "path": str(target), "sha256": digest}
    line = text("cli.model.added", session.language, name=name, sha256=digest)
    card = _card_of(source)
    if card is not None:
        added["card"] = str(_keep_card(target, card))
        mode = text(f"evaluation.mode.{card.mode}", session.language)
        line += "\n" + text("cli.model.card", session.language, mode=mode)
    report(added, line, json=json)


@group.command("use")
def use(
    context: typer.Context,
    name: str = typer.Argument(help="As `model list` shows it, or the path of a GGUF file."),
    json: Json = False,
) -> None:
    """Draft with this model from now on (`starter` is the one that ships).

    A file that cannot draft is refused by name, and the former model stays in use.
    """
    session: Session = context.obj
    chosen = "" if name == STARTER else _known(session, name)
    # Loaded anew: a file that cannot be read must not be replaced by the defaults.
    settings.save(session.folder, replace(settings.load(session.folder), model=chosen))
    report({"model": name}, text("cli.model.used", session.language, name=name), json=json)


def _known(session: Session, name: str) -> str:
    """How the settings name the model `name`: by its name in the data folder, else by its path.

    Raises `InputError` (`no_model`) and, for a file that is no usable generator, `ModelError`.
    """
    for chosen, path in ((name, session.folder.models / name), (None, Path(name).absolute())):
        try:
            there = path.is_file()
        except (OSError, ValueError):
            continue
        if there:
            _check(path)
            return chosen or str(path)
    raise InputError(
        f"There is no model {name}; add it first (zuoxi model add PATH).", "no_model", name=name
    )


def _check(path: Path) -> None:
    from engine.drafting.model_file import check_model_file

    check_model_file(path)


def _check_source(source: Path) -> None:
    """Refuse what could not be used once it is copied; nothing is written yet."""
    try:
        # A pipe or a device would be read for ever.
        if not stat.S_ISREG(source.stat().st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    except OSError as error:
        raise _unreadable(source, error) from error
    except ValueError as error:
        raise _unreadable(source, OSError(errno.EINVAL, os.strerror(errno.EINVAL))) from error
    if _PART.search(source.name):
        raise ModelError(
            f"{source.name} is one file of a model in several. Nothing was copied; keep them in "
            "one folder and use the first where it lies (zuoxi model use PATH).",
            "model_in_parts",
            name=source.name,
        )
    _check(source)


def _files(path: Path) -> list[Path]:
    """The files of the model that the one at `path` belongs to; several where it came in parts."""
    part = _PART.search(path.name)
    if part is None:
        return [path]
    beside = path.parent.glob(f"{glob.escape(path.name[: part.start()])}-*-of-{part[2]}.gguf")
    return sorted(one for one in beside if _PART.search(one.name)) or [path]


def _card_of(model: Path) -> ModelCard | None:
    """What was measured on this very file, by the card beside it."""
    path = card_path(model)
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode) or found.st_size > _CARD_BYTES:
        return None
    card = read_card(model)
    return card if card.measured is not None else None


def _keep_card(model: Path, card: ModelCard) -> Path:
    try:
        return write_card(model, card)
    except OSError as error:
        path = str(card_path(model))
        raise InputError(
            f"The model was added, but its card could not be written to {path} "
            f"({error.strerror}). It drafts freely until it is evaluated.",
            "model_card",
            name=path,
            detail=error.strerror or "",
        ) from error


def _unreadable(source: Path, error: OSError) -> InputError:
    return InputError(
        f"{source} cannot be copied ({error.strerror}); nothing was kept.",
        "unreadable",
        name=str(source),
        detail=error.strerror or "",
    )


def _copy_checked(source: Path, target: Path, wanted: str) -> str:
    """Copy under another name, then rename: a crash or another hash leaves nothing behind."""
    scratch = target.with_name(f".{target.name}.part")
    try:
        size = source.stat().st_size
        target.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target.parent).free < size:
            raise InputError(
                f"{source.name} does not fit on the disk; nothing was copied.",
                "disk_full",
                name=source.name,
            )
        digest = hashlib.sha256()
        with source.open("rb") as reading, scratch.open("wb") as writing:
            while block := reading.read(4 << 20):
                digest.update(block)
                writing.write(block)
                progress(f"{source.name}  {writing.tell() * 100 // max(1, size)} %")
            writing.flush()
            os.fsync(writing.fileno())
        if wanted and digest.hexdigest() != wanted:
            raise ModelError(
                f"{source.name} has another hash than given; nothing was kept.",
                "model_hash",
                name=source.name,
            )
        scratch.replace(target)
    except OSError as error:
        raise _unreadable(source, error) from error
    finally:
        end_progress()
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
    return digest.hexdigest()
