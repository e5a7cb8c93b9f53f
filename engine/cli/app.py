"""The commands put together, and the way in: arguments to exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import structlog
import typer

from engine import __version__, paths
from engine.cli import conversations, doctor, drafts, knowledge, models, rules, window
from engine.cli.console import Session, fail, say
from engine.errors import ZuoxiError
from engine.records import Language

app = typer.Typer(
    name="zuoxi",
    help="坐席 Zuoxi: draft replies for customer service, offline.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=False,
)


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    data: str = typer.Option("", "--data", help="The data folder; else $ZUOXI_DATA's."),
    version: bool = typer.Option(False, "--version", help="Say the version and end."),
) -> None:
    """坐席 Zuoxi: draft replies for customer service, offline. Without a command: the window."""
    if version:
        typer.echo(__version__)
        raise typer.Exit
    context.obj = Session(paths.data_folder(data or None), json="--json" in sys.argv)
    if context.invoked_subcommand is None:
        window.desk(context)


for group in (window, doctor, knowledge, drafts, rules, conversations, models):
    group.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. 0: done, 1: refused or failed and explained, 2: wrong usage."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    sys.argv[1:] = arguments
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    json = "--json" in arguments
    try:
        command = typer.main.get_command(app)
        outcome = command.main(_data_first(arguments), prog_name="zuoxi", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except ZuoxiError as error:
        return fail(error, json=json, language=_language(arguments))
    except typer.Abort:
        return 130
    except KeyboardInterrupt:
        say("")
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if hasattr(error, "format_message"):  # Wrong usage, in the words of the parser.
            say(f"zuoxi: {error.format_message()} (zuoxi --help)")
            return 2
        kind = type(error).__name__
        internal = ZuoxiError(f"An unexpected error ({kind}).", "internal", kind=kind)
        if os.environ.get("ZUOXI_DEBUG"):
            raise
        return fail(internal, json=json, language=_language(arguments))


def _data_first(arguments: list[str]) -> list[str]:
    """`--data` may stand anywhere; the parser wants it before the command."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--data" and place + 1 < len(arguments):
            rest = arguments[:place] + arguments[place + 2 :]
            return ["--data", arguments[place + 1], *rest]
        if argument.startswith("--data="):
            return [argument, *arguments[:place], *arguments[place + 1 :]]
    return arguments


def _language(arguments: list[str]) -> Language:
    first = _data_first(arguments)
    explicit = first[1] if first[:1] == ["--data"] else None
    return Session(paths.data_folder(explicit)).language
