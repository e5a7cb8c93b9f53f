"""Several processes that draft side by side, a company at a time each.

One process writes one draft after the other, so that what it measures is what an agent waits for;
on a machine of several cores several of them work, each on a core.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine import errors
from engine.errors import ModelError, ZuoxiError
from engine.evaluation.companies import Company
from engine.evaluation.results import Result
from engine.evaluation.run import load_models, run_company
from engine.model_card import Mode
from engine.protocol import EngineConfig, without_surrogates
from engine.records import Release

# A process takes some ten seconds to load its libraries; a case takes a fraction of one.
_CASES_EACH = 40
# Several copies of what a larger model keeps in memory gain less than they cost.
_SMALL_MODEL = 64 << 20
_PATIENCE = 10.0
_QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "passive",
}


class Loaded(Struct, frozen=True, tag=True):
    """The models are loaded: what drafts are made from."""

    release: Release


class Drafted(Struct, frozen=True, tag=True):
    """The results of one case of the company at `place`: one in each mode."""

    place: int
    results: tuple[Result, ...]


class Finished(Struct, frozen=True, tag=True):
    """All cases of the company at `place` were drafted."""

    place: int


class _Failed(Struct, frozen=True, tag=True):
    kind: str
    message: str
    code: str
    values: dict[str, str] = {}


News = Loaded | Drafted | Finished
_news = msgspec.msgpack.Decoder(News | _Failed)


def hands(companies: Sequence[Company], model: Path) -> int:
    """How many processes gain anything for `companies` with the `model` file on this machine."""
    import psutil

    cases = sum(len(company.cases) for company in companies)
    with contextlib.suppress(OSError):
        if model.stat().st_size > _SMALL_MODEL:
            return 1
    cores = psutil.cpu_count(logical=False) or 1
    return max(1, min(cores, len(companies), cases // _CASES_EACH))


def work(
    companies: Sequence[Company], config: EngineConfig, modes: Sequence[Mode]
) -> Generator[News, None, None]:
    """Draft all cases of `companies` in this process, in order."""
    models = load_models(config)
    try:
        yield Loaded(models.release)
        for place, company in enumerate(companies):
            for results in run_company(company, models, modes):
                yield Drafted(place, results)
            yield Finished(place)
    finally:
        models.close()


class Crew:
    """`hands` processes, started at once; each drafts with one thread, so that none waits."""

    def __init__(
        self,
        companies: Sequence[Company],
        config: EngineConfig,
        modes: Sequence[Mode],
        hands: int,
    ) -> None:
        context = get_context("spawn")
        # Theirs too: whoever is ended in the middle clears nothing up.
        self._scratch = tempfile.TemporaryDirectory(
            prefix="zuoxi-evaluate-", ignore_cleanup_errors=True
        )
        config = replace(config, threads=config.threads or 1)
        # The longest first, so that none of them is left for the end.
        lengths = [len(company.cases) for company in companies]
        self._waiting = sorted(range(len(companies)), key=lambda place: -lengths[place])
        self._hands: dict[Connection, BaseProcess] = {}
        for _ in range(hands):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve,
                args=(
                    theirs,
                    tuple(companies),
                    msgspec.msgpack.encode(config),
                    tuple(modes),
                    self._scratch.name,
                ),
                name="zuoxi-evaluate",
                daemon=True,
            )
            process.start()
            theirs.close()
            self._hands[ours] = process

    def news(self) -> Generator[News, None, None]:
        """What they report, as it comes, until all is drafted; `Loaded` comes first, once.

        Raises what the first of them failed with, and `ModelError` when one died.
        """
        loaded = False
        while self._hands:
            for connection in wait(list(self._hands)):
                assert isinstance(connection, Connection)
                event = self._hear(connection)
                if isinstance(event, _Failed):
                    raise _error(event)
                if not isinstance(event, Drafted):
                    self._give(connection)
                if not isinstance(event, Loaded):
                    yield event
                elif not loaded:
                    loaded = True
                    yield event

    def close(self) -> None:
        """End those that still work; what they were at is lost."""
        for connection in self._hands:
            connection.close()
        while self._hands:
            self._end(next(iter(self._hands)))
        self._scratch.cleanup()

    def _give(self, connection: Connection) -> None:
        """The next company, or the end where there is none."""
        if self._waiting:
            connection.send_bytes(msgspec.msgpack.encode(self._waiting.pop(0)))
            return
        self._end(connection)

    def _end(self, connection: Connection) -> None:
        """Its process ends when it is next to report or to be told something."""
        process = self._hands.pop(connection)
        connection.close()
        process.join(_PATIENCE)
        if process.is_alive():
            process.kill()
            process.join(_PATIENCE)

    def _hear(self, connection: Connection) -> News | _Failed:
        try:
            event: News | _Failed = _news.decode(connection.recv_bytes())
            return event
        except (EOFError, OSError):
            process = self._hands[connection]
            process.join(10)
            raise ModelError(
                f"A process of the evaluation ended unexpectedly ({process.exitcode}). "
                "Run the same command again.",
                "evaluation_died",
                exit=process.exitcode,
            ) from None


def _serve(
    connection: Connection,
    companies: Sequence[Company],
    config: bytes,
    modes: Sequence[Mode],
    scratch: str,
) -> None:
    """What each process does: the place of a company in, its results out, until it closes."""
    # Ctrl+C reaches the whole group; the owner decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(_QUIET)
    # Taking the libraries' threads down takes seconds, and nothing is left to be kept by then.
    Finalize(None, os._exit, args=(0,), exitpriority=-100)
    tempfile.tempdir = scratch
    # What a library prints must not fall between the lines of a result.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(sys.stderr.fileno(), 1)

    def send(event: News | _Failed) -> None:
        try:
            connection.send_bytes(msgspec.msgpack.encode(event))
        except UnicodeEncodeError:
            plain = without_surrogates(msgspec.to_builtins(event))
            connection.send_bytes(msgspec.msgpack.encode(plain))

    try:
        models = load_models(msgspec.msgpack.decode(config, type=EngineConfig))
        send(Loaded(models.release))
        while True:
            place = msgspec.msgpack.decode(connection.recv_bytes(), type=int)
            for results in run_company(companies[place], models, modes):
                send(Drafted(place, results))
            send(Finished(place))
    except (EOFError, OSError):
        pass
    except ZuoxiError as error:
        values = {key: str(value) for key, value in error.values.items()}
        send(_Failed(type(error).__name__, error.message, error.code, values))
    finally:
        connection.close()


def _error(event: _Failed) -> ZuoxiError:
    kind = getattr(errors, event.kind, ModelError)
    error: ZuoxiError = kind(event.message, event.code, **event.values)
    return error
