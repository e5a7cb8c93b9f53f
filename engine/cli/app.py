"""The commands put together, and the way in: arguments to exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import typer

from engine import __version__, paths, settings
from engine.cli.console import Session, Told, fail, say, show
from engine.cli.opening import command_of, common_first, common_of, streams_in_utf8
from engine.errors import ZuoxiError
from engine.records import Language

COMMANDS: dict[str, tuple[str, ...]] = {
    "window": ("desk", "demo"),
    "doctor": ("doctor",),
    "knowledge": ("kb",),
    "drafts": ("draft",),
    "rules": ("redline", "rules"),
    "rule_versions": ("rules",),
    "conversations": ("inbox", "decide", "feedback"),
    "cases": ("cases",),
    "customers": ("customers",),
    "models": ("model",),
    "bench": ("bench",),
    "evaluation": ("evaluate",),
    "audit": ("audit",),
    "review": ("review", "approvals"),
}
"""The commands by the file of this folder that holds them. A call loads those that it needs: all of
them together take longer than most commands do."""


@cache
def application(command: str = "") -> typer.Typer:
    """The command line with `command` alone; with all commands where there is none of that name."""
    app = typer.Typer(
        name="zuoxi",
        help="坐席 Zuoxi: draft replies for customer service, offline.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        no_args_is_help=False,
    )
    app.callback(invoke_without_command=True)(start)
    needed = [file for file, names in COMMANDS.items() if command in names]
    for file in needed or COMMANDS:
        import_module(f"engine.cli.{file}").register(app)
    return app


def start(
    context: typer.Context,
    data: str | None = typer.Option(
        None, "--data", metavar="DIR", help="The data folder; else $ZUOXI_DATA's. Stands anywhere."
    ),
    language: str | None = typer.Option(
        None, "--language", metavar="zh|en", help="Speak it; else the settings'. Stands anywhere."
    ),
    version: bool = typer.Option(False, "--version", help="Say the version and end."),
) -> None:
    """坐席 Zuoxi: draft replies for customer service, offline. Without a command: the window."""
    if version:
        show(__version__)
        raise typer.Exit
    if data is not None and not data.strip():
        # Mostly a variable that is not set: the person's own data must not stand in for it.
        raise typer.BadParameter("--data needs a folder")
    if language is not None and _known(language) is None:
        raise typer.BadParameter("--language is zh or en")
    context.obj = Session(paths.data_folder(data), _known(language))
    if context.invoked_subcommand is None:
        from engine.cli.window import desk

        desk(context)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done, 1: refused or failed and explained, 2: wrong usage."""
    arguments = common_first(list(sys.argv[1:] if arguments is None else arguments))
    streams_in_utf8()
    try:
        command = typer.main.get_command(application(command_of(arguments)))
        outcome = command.main(arguments, prog_name="zuoxi", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except (Exception, KeyboardInterrupt) as error:
        return explained(error, arguments)


def explained(error: BaseException, arguments: list[str]) -> int:
    """Say in one line what ended the command that `arguments` gave; the exit code."""
    if isinstance(error, ZuoxiError):
        return _fail(error, arguments)
    if isinstance(error, (typer.Abort, KeyboardInterrupt)):
        say("")
        return 130
    if hasattr(error, "format_message"):  # Wrong usage, in the words of the parser.
        wrong = Told(_usage(error), "usage")
        _fail(wrong, arguments)
        return 2
    if os.environ.get("ZUOXI_DEBUG"):
        raise error
    kind = type(error).__name__
    internal = ZuoxiError(f"An unexpected error ({kind}).", "internal", kind=kind)
    return _fail(internal, arguments)


def _usage(error: Any) -> str:
    group = getattr(getattr(error, "ctx", None), "command", None)
    # Its message would be the whole help.
    if type(error).__name__ == "NoArgsIsHelpError" and group is not None:
        path = error.ctx.command_path
        return f"{path}: give one of {', '.join(group.commands)} ({path} --help)"
    return f"zuoxi: {error.format_message()} (zuoxi --help)"


def _fail(error: ZuoxiError, arguments: list[str]) -> int:
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    try:
        return fail(error, json="--json" in options, language=_language(arguments))
    except (OSError, typer.Exit):  # Nobody can be told any more.
        return 1


def _language(arguments: list[str]) -> Language:
    given = common_of(arguments)
    if (language := _known(given.get("--language"))) is not None:
        return language
    try:
        return settings.load(paths.data_folder(given.get("--data") or None)).language
    except (ZuoxiError, OSError, ValueError):
        return settings.Settings().language


def _known(language: str | None) -> Language | None:
    return "zh" if language == "zh" else "en" if language == "en" else None
