"""How the commands speak: results on stdout, everything else on stderr, failures in one line."""

from __future__ import annotations

import functools
import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from msgspec.structs import replace

from engine import paths, settings
from engine.errors import InputError, ZuoxiError
from engine.protocol import without_surrogates
from engine.records import Language
from engine.texts import explain

Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, and nothing else there.")]
"""The option that every command with a result has."""

Who = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Who does it; else the name in the settings."),
]
"""The option of every command that notes who did something."""


def a_path(given: str | Path) -> Path:
    """A path as it was typed, for what is read whole or written to.

    Raises `typer.BadParameter` for an empty one, mostly a variable that is not set: the folder one
    happens to be in must not stand in for it.
    """
    if not str(given).strip():
        raise typer.BadParameter("a path is empty")
    return Path(given)


class Told(ZuoxiError):
    """A failure whose line is already in the person's language."""


class Session:
    """What every command starts from: the data folder and the settings kept in it.

    `spoken` is the language asked for with ``--language``; without, the settings' is spoken.
    """

    def __init__(self, folder: paths.DataFolder, spoken: Language | None = None) -> None:
        self.folder = folder
        self.spoken = spoken

    @functools.cached_property
    def settings(self) -> settings.Settings:
        """The settings, in the language asked for; a broken file is told once, defaults used."""
        try:
            found = settings.load(self.folder)
        except InputError as error:
            found = settings.Settings()
            say(explain(error, self.spoken or found.language))
        return replace(found, language=self.spoken) if self.spoken else found

    @property
    def language(self) -> Language:
        """The person's language."""
        return self.settings.language

    @property
    def who(self) -> str:
        """Who is at the command line: the name in the settings, else the account's."""
        if self.settings.agent:
            return self.settings.agent
        try:
            return getpass.getuser()
        except (OSError, KeyError):  # A process may run under a number that has no name.
            return ""

    def named(self, given: str | None) -> str:
        """Who does something: the name `given` with ``--as``, else `who`."""
        if given is None:
            return self.who
        if not given.strip():
            # Mostly a variable that is not set: nobody else's name must stand in for it.
            raise typer.BadParameter("--as needs a name")
        return given


def emit(value: Any) -> None:
    """`value` as one line of JSON on stdout."""
    line = msgspec.json.encode(_presentable(value)).decode("utf-8")
    _write(sys.stdout, line)


def show(line: str) -> None:
    """A line of the result for a person, on stdout."""
    _write(sys.stdout, line)


def report(value: Any, line: str, *, json: bool) -> None:
    """The result of a command: `value` in JSON, else `line` for a person."""
    if json:
        emit(value)
    else:
        show(line)


def say(line: str) -> None:
    """A message on stderr."""
    _write(sys.stderr, line)


def progress(line: str) -> None:
    """A passing message: overwritten by the next one on a terminal, left out elsewhere."""
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{line}")
        sys.stderr.flush()


def end_progress() -> None:
    """Take the passing message away."""
    progress("")


def fail(error: ZuoxiError, *, json: bool, language: Language, **result: Any) -> int:
    """Explain `error` in one line; in JSON also on stdout, beside `result`. The exit code."""
    told = error.message if isinstance(error, Told) else explain(error, language)
    line = " ".join(told.split())
    end_progress()
    if json:
        emit({**result, "error": {"code": error.code, "message": line}})
    say(line)
    return 1


def refuse(error: ZuoxiError, session: Session, *, json: bool, **result: Any) -> NoReturn:
    """End with `error`, and in JSON with what the command found out (`result`) beside it."""
    raise typer.Exit(fail(error, json=json, language=session.language, **result))


def read_lines(path: Path, *, blank: bool = False) -> list[tuple[int, str]]:
    """The numbered lines of a text file, `blank` ones too if asked for; `-` is standard input."""
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}).",
            "unreadable",
            name=str(path),
            detail=error.strerror or "",
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start}).",
            "not_text",
            name=str(path),
            place=error.start,
        ) from error
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    numbered = enumerate(lines, start=1)
    return [(number, line.rstrip("\r")) for number, line in numbered if blank or line.strip()]


def _write(stream: Any, line: str) -> None:
    if stream is None:  # It was closed by whoever started the program.
        return
    # A lone surrogate (from a file name, say) must not end the program.
    try:
        stream.write(line.encode("utf-8", "replace").decode("utf-8") + "\n")
        stream.flush()
    except BrokenPipeError:
        # Whoever read this has had enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise typer.Exit from None


def _presentable(value: Any) -> Any:
    """`value` in JSON's own types, lone surrogates replaced."""
    plain = msgspec.to_builtins(value, str_keys=True)
    try:
        msgspec.json.encode(plain)
    except UnicodeEncodeError:
        return without_surrogates(plain)
    return plain
