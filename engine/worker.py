"""The engine process: requests in by a pipe, events out. It alone holds models and the index.

A reader thread takes requests (so that a cancellation is seen while a draft is written); all
native work happens on the main thread.
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import structlog

from engine.drafting.generation import Generator
from engine.drafting.pipeline import Drafter, Worked
from engine.drafting.style import load_style
from engine.errors import Cancelled, ZuoxiError
from engine.knowledge.catalogue import current
from engine.knowledge.embedding import Embedder, load_embedder
from engine.knowledge.search import Searcher
from engine.protocol import (
    CancelRequest,
    DraftRequest,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineStarting,
    EngineStep,
    Event,
    KnowledgeReloaded,
    Offload,
    PrioritiseRequest,
    ReloadKnowledge,
    RequestFailed,
    SearchFinished,
    SearchRequest,
    Shutdown,
    decode_request,
    encode,
)
from engine.redline.gate import Gate
from engine.redline.rules import load_rules
from engine.texts import explain, text

REFUSED = 3
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Threads that spin while they wait take the cores that the window needs.
    "OMP_WAIT_POLICY": "passive",
}

_Work = DraftRequest | SearchRequest | ReloadKnowledge

_log = structlog.get_logger(__name__)


def run(config: bytes, connection: Connection) -> None:
    """The process's main: serve `connection` until it closes. `config` is encoded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the desk's to handle.
    os.environ.update(_ENVIRONMENT)
    log_to_stderr()
    code = 0
    try:
        worker = Worker(msgspec.msgpack.decode(config, type=EngineConfig), connection)
        if worker.load():
            worker.serve()
        else:
            code = REFUSED
    except Exception as error:  # A process that dies tells its kind of death, and no more.
        _log.error("engine_died", kind=type(error).__name__)
        code = 1
    # Python cleans up and that is all: native threads may not survive an orderly end.
    atexit._run_exitfuncs()
    os._exit(code)


def log_to_stderr() -> None:
    """Have the engine's logs written to standard error, or nowhere where a program has none."""
    # Looked up at each line: what standard error is may change, standard output is the caller's.
    structlog.configure(
        logger_factory=lambda *_: (
            structlog.PrintLogger(sys.stderr) if sys.stderr else structlog.ReturnLogger()
        )
    )


class Worker:
    """One engine: what it has loaded, and the requests that wait."""

    def __init__(self, config: EngineConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._requests: queue.SimpleQueue[_Work | Shutdown] = queue.SimpleQueue()
        self._open: set[str] = set()
        self._cancelled: set[str] = set()
        self._ending = False
        self._embedder: Embedder | None = None
        self._drafter: Drafter | None = None

    def load(self) -> bool:
        """Load everything, telling each step; False when nothing at all can be served.

        Without a model the engine still searches; without knowledge it says why at each request.
        """
        threading.Thread(target=self._read, name="engine-reader", daemon=True).start()
        self._send(EngineStarting("process"))
        try:
            self._gate = Gate(load_rules(Path(self._config.rules)))
            self._style = load_style(Path(self._config.style))
        except Exception as error:  # Whatever is wrong with the rules, nothing passes unchecked.
            code = error.code if isinstance(error, ZuoxiError) else "internal"
            self._send(EngineFailed(code, self._explain(error)))
            return False
        self._generator, self._model_error = self._load_generator()
        knowledge_error = ""
        try:
            self._open_knowledge(self._step)
        except Exception as error:  # The libraries below raise anything on a damaged file.
            knowledge_error = self._explain(error)
        knowledge = self._drafter.knowledge if self._drafter else None
        generator = self._generator
        self._send(
            EngineReady(
                model=generator.name if generator else "",
                embedder=self._embedder.name if self._embedder else "",
                knowledge=knowledge.version if knowledge else "",
                passages=knowledge.passage_count if knowledge else 0,
                rules=self._gate.version,
                offload=generator.offload if generator else Offload(),
                model_error=self._model_error,
                knowledge_error=knowledge_error,
            )
        )
        return True

    def _load_generator(self) -> tuple[Generator | None, str]:
        if self._config.generator == "none":
            return None, text("error.model_crashed", self._config.language)
        self._step("model")
        if self._config.generator == "scripted":
            from engine.drafting.scripted import ScriptedGenerator

            return ScriptedGenerator([""]), ""
        from engine.drafting.llama import load_generator

        try:
            return load_generator(
                Path(self._config.model),
                gpu_layers=self._config.gpu_layers,
                threads=self._config.threads,
                context=self._config.context,
            ), ""
        except Exception as error:  # The engine still searches, and says why it does not draft.
            return None, self._explain(error)

    def _open_knowledge(self, step: Callable[[EngineStep], None] = lambda _: None) -> Drafter:
        """Open the newest knowledge and draft from it from now on; a failure leaves the former."""
        if self._embedder is None:
            step("embedder")
            self._embedder = load_embedder(Path(self._config.embedder))
        step("knowledge")
        self._drafter = Drafter(
            Searcher.open(Path(self._config.knowledge), self._embedder),
            self._generator,
            self._gate,
            self._style,
            language=self._config.language,
            mode=self._config.mode,
            model_error=self._model_error,
        )
        return self._drafter

    def serve(self) -> None:
        """Answer requests, one after the other, until the pipe closes or a `Shutdown` comes."""
        while True:
            request = self._requests.get()
            if isinstance(request, Shutdown):
                return
            self._answer(request)

    def _answer(self, request: _Work) -> None:
        try:
            if self._is_called_off(request.id):
                raise Cancelled("Called off.")
            for event in self._events(request):
                self._send(event)
        except ConnectionError:
            raise
        except Exception as error:  # Nothing that one request does may end the engine.
            code = error.code if isinstance(error, ZuoxiError) else "internal"
            self._send(RequestFailed(request.id, code, self._explain(error)))
        finally:
            self._open.discard(request.id)
            self._cancelled.discard(request.id)

    def _is_called_off(self, request_id: str) -> bool:
        return self._ending or request_id in self._cancelled

    def _events(self, request: _Work) -> Iterator[Event]:
        if isinstance(request, ReloadKnowledge):
            knowledge = self._open_knowledge().knowledge
            yield KnowledgeReloaded(request.id, knowledge.version, knowledge.passage_count)
            return
        drafter = self._up_to_date()
        if isinstance(request, DraftRequest):
            for event in drafter.draft(request):
                if self._is_called_off(request.id):
                    raise Cancelled("Called off.")
                if not isinstance(event, Worked):
                    yield event
            return
        result = drafter.knowledge.search(
            request.query, k=request.k, as_of=request.as_of, turns=request.turns
        )
        yield SearchFinished(request.id, result.query, result.found, result.ms)

    def _up_to_date(self) -> Drafter:
        """The drafter over the knowledge in use: another process may have changed it meanwhile."""
        drafter = self._drafter
        if drafter is not None:
            now = current(Path(self._config.knowledge))
            if drafter.knowledge.version == (str(now.version) if now else ""):
                return drafter
        return self._open_knowledge()

    def _read(self) -> None:
        while True:
            try:
                request = decode_request(self._connection.recv_bytes())
            except (EOFError, OSError):
                # The desk is gone; whatever is being computed is for nobody.
                os._exit(0)
            except msgspec.DecodeError:
                _log.error("request_unreadable")
                continue
            if isinstance(request, CancelRequest):
                # Of one that is answered already nothing is kept.
                if request.id in self._open:
                    self._cancelled.add(request.id)
                continue
            if isinstance(request, PrioritiseRequest):
                continue
            if isinstance(request, Shutdown):
                self._ending = True
            else:
                self._open.add(request.id)
            self._requests.put(request)

    def _step(self, step: EngineStep) -> None:
        self._send(EngineStarting(step))

    def _send(self, event: Event) -> None:
        self._connection.send_bytes(encode(event))

    def _explain(self, error: Exception) -> str:
        """`error` in one line for the person; one that nobody foresaw by its kind only."""
        if isinstance(error, ZuoxiError):
            return explain(error, self._config.language)
        kind = type(error).__name__
        _log.error("unforeseen", kind=kind)
        return text("error.internal", self._config.language, kind=kind)
