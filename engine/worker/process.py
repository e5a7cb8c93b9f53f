"""The engine process: requests in by a pipe, events out. It alone holds models and the index.

The main thread works in steps (a token, a search) and looks at what has come in between any two;
all native work happens there. A reader thread takes requests, and tells that the process lives.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import queue
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import structlog

from engine import logs
from engine.deciding import sendable
from engine.drafting.generation import Generator
from engine.drafting.pipeline import Drafter, Worked
from engine.drafting.style import load_style
from engine.errors import Cancelled, RuleError, ZuoxiError
from engine.knowledge.catalogue import current
from engine.knowledge.embedding import Embedder, load_embedder
from engine.knowledge.grams import forget_words
from engine.knowledge.search import Searcher
from engine.protocol import (
    CancelRequest,
    DraftFinished,
    DraftRequest,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineStarting,
    EngineStep,
    Event,
    ForgetConversations,
    KnowledgeReloaded,
    ModelMemory,
    Offload,
    Ping,
    Pong,
    PrioritiseRequest,
    ReloadKnowledge,
    Request,
    RequestFailed,
    SearchFinished,
    SearchRequest,
    Shutdown,
    decode_request,
    encode,
)
from engine.records import Draft
from engine.redline.gate import Gate
from engine.texts import explain, text
from engine.worker.schedule import AT_ONCE, Schedule, Scheduled
from engine.workshop.running import RulesWatcher

REFUSED = 3
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Threads that spin while they wait take the cores that the window needs.
    "OMP_WAIT_POLICY": "passive",
    # But a few microseconds of it are worth more than sleeping: a token of 0.6 billion parameters
    # takes 34 ms on two cores then, and 50 without.
    "GOMP_SPINCOUNT": "1000",
}

_M_MMAP_THRESHOLD = -3

_log = structlog.get_logger(__name__)


def run(config: bytes, connection: Connection) -> None:
    """The process's main: serve `connection` until it closes. `config` is encoded."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the desk's to handle.
    os.environ.update(_ENVIRONMENT)
    _give_large_blocks_back()
    logs.to_stderr()
    code = 0
    try:
        worker = Worker(msgspec.msgpack.decode(config, type=EngineConfig), connection)
        worker.listen()
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


def _give_large_blocks_back() -> None:
    """Have the memory of what a conversation left behind returned to the system when it is freed.

    glibc raises the size from which it does so with each such block, up to 32 MiB.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 20)


class Worker:
    """One engine: what it has loaded, and the requests that wait."""

    def __init__(self, config: EngineConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._sending = threading.Lock()
        self._inbox: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._at_once: deque[SearchRequest | ReloadKnowledge] = deque()
        self._schedule = Schedule()
        # What conversations will go on with, read where there is nothing else to do.
        self._ahead: dict[str, Iterator[Worked]] = {}
        self._rules = RulesWatcher.of_engine(config)
        self._embedder: Embedder | None = None
        self._drafter: Drafter | None = None
        self._memory = ModelMemory()
        self._idle = False
        self._steps = 0

    def listen(self) -> None:
        """Take requests from now on, on a thread of its own."""
        threading.Thread(target=self._read, name="engine-reader", daemon=True).start()

    def load(self) -> bool:
        """Load everything, telling each step; False when nothing at all can be served.

        Without a model the engine still searches; without knowledge it says why at each request.
        """
        self._step("process")
        try:
            in_force = self._rules.look()
            assert in_force is not None
            self._gate = Gate(in_force.rule_set, lazy=True)
            self._gate.make_ready("customer", "model")
            self._style = load_style(Path(self._config.style))
        except Exception as error:  # Whatever is wrong with the rules, nothing passes unchecked.
            code = error.code if isinstance(error, ZuoxiError) else "internal"
            self._send(EngineFailed(code, self._explain(error)))
            return False
        self._generator, self._model_error = self._load_generator()
        knowledge_error = knowledge_code = ""
        try:
            self._open_knowledge(self._step)
        except Exception as error:  # The libraries below raise anything on a damaged file.
            knowledge_error = self._explain(error)
            knowledge_code = error.code if isinstance(error, ZuoxiError) else "internal"
        knowledge = self._drafter.knowledge if self._drafter else None
        generator = self._generator
        if generator is not None:
            self._schedule.at_once = min(AT_ONCE, generator.replies_at_once)
        if self._drafter is not None:
            self._drafter.read_ahead()
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
                knowledge_code=knowledge_code,
            )
        )
        self._steps += 1
        # Half a million objects of the libraries live as long as the process: to look at all of
        # them again takes a quarter of a second, in the middle of some draft.
        gc.freeze()
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
                mode=self._config.mode,
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
        """Answer requests until a `Shutdown` comes: searches at once, drafts step by step."""
        while self._take_in():
            if self._at_once:
                self._answer(self._at_once.popleft())
            elif draft := self._schedule.next():
                self._advance(draft)
            else:
                self._read_on()
            self._steps += 1

    def _take_in(self) -> bool:
        """Take what came since the last step; wait where there is nothing to do. False: the end."""
        while True:
            self._idle = not self._at_once and not self._schedule and not self._ahead
            try:
                request = self._inbox.get(block=self._idle)
            except queue.Empty:
                return True
            self._idle = False
            if isinstance(request, Shutdown):
                return False
            if isinstance(request, DraftRequest):
                # Both would write on what was read of the conversation.
                self._ahead.pop(request.conversation, None)
                self._schedule.add(request)
            elif isinstance(request, PrioritiseRequest):
                self._schedule.prioritise(request.id, request.priority)
            elif isinstance(request, CancelRequest):
                self._call_off(request.id)
            elif isinstance(request, ForgetConversations):
                self._forget(request.conversations)
            elif not isinstance(request, Ping):
                self._at_once.append(request)

    def _call_off(self, request_id: str) -> None:
        at_once = [one for one in self._at_once if one.id == request_id]
        for one in at_once:
            self._at_once.remove(one)
        if at_once or self._schedule.remove(request_id):
            self._fail(request_id, Cancelled("Called off."))

    def _forget(self, conversations: tuple[str, ...]) -> None:
        for conversation in conversations:
            self._ahead.pop(conversation, None)
        self._gate.forget_texts()
        forget_words()
        if self._generator is not None:
            self._generator.forget(conversations)
            self._memory = self._generator.memory

    def _advance(self, draft: Scheduled) -> None:
        """Do one step of `draft`. What fails in it ends this draft and nothing else."""
        request = draft.request
        try:
            if draft.steps is None:
                # It keeps what it begins with, whatever knowledge is opened meanwhile.
                draft.steps = self._up_to_date().draft(request, draft.shares)
            event = next(draft.steps)
            if not isinstance(event, Worked):
                self._send(event)
            if isinstance(event, DraftFinished):
                self._schedule.remove(request.id)
                self._memory = self._generator.memory if self._generator else ModelMemory()
                if event.draft.status == "drafted" and request.conversation:
                    self._plan_reading_on(request, event.draft)
        except ConnectionError:
            raise
        except Exception as error:
            self._schedule.remove(request.id)
            self._fail(request.id, error)

    def _plan_reading_on(self, request: DraftRequest, draft: Draft) -> None:
        assert self._drafter is not None
        sent = sendable(draft.text)
        # A step of it is as short as one of a reply that others wait behind.
        steps = self._drafter.read_on(request, draft.evidence, sent, shares=lambda: True)
        self._ahead[request.conversation] = steps
        # What was read longer ago may have had to make room: it would be read as a whole.
        while len(self._ahead) > AT_ONCE:
            del self._ahead[next(iter(self._ahead))]

    def _read_on(self) -> None:
        """Read a step of what a conversation will go on with if its draft is sent as it is."""
        for conversation, steps in self._ahead.items():
            try:
                next(steps)
            except StopIteration:
                del self._ahead[conversation]
            except Exception as error:  # Nobody asked for it: who asks for what follows is told.
                del self._ahead[conversation]
                _log.warning("not_read_on", kind=type(error).__name__)
            return

    def _answer(self, request: SearchRequest | ReloadKnowledge) -> None:
        try:
            if isinstance(request, ReloadKnowledge):
                now = self._open_knowledge().knowledge
                self._send(KnowledgeReloaded(request.id, now.version, now.passage_count))
            else:
                result = self._up_to_date().knowledge.search(
                    request.query, k=request.k, as_of=request.as_of, turns=request.turns
                )
                self._send(SearchFinished(request.id, result.query, result.found, result.ms))
        except ConnectionError:
            raise
        except Exception as error:  # Nothing that one request does may end the engine.
            self._fail(request.id, error)

    def _up_to_date(self) -> Drafter:
        """The drafter over the knowledge and the rules in use, which others may have changed."""
        self._renew_rules()
        drafter = self._drafter
        if drafter is not None:
            now = current(Path(self._config.knowledge))
            if drafter.knowledge.version == (str(now.version) if now else ""):
                return drafter
        return self._open_knowledge()

    def _renew_rules(self) -> None:
        """Take the rules that were put into force meanwhile; the former ones where they fail."""
        try:
            in_force = self._rules.look()
            if in_force is not None and in_force.rules != self._gate.version:
                self._gate.take(self._gate.made_ready(in_force.rule_set))
        except RuleError as error:
            _log.error("rules_not_renewed", code=error.code)

    def _read(self) -> None:
        beats = seen = 0
        while True:
            try:
                request = decode_request(self._connection.recv_bytes())
            except (EOFError, OSError):
                # The desk is gone; whatever is being computed is for nobody.
                os._exit(0)
            except msgspec.DecodeError:
                _log.error("request_unreadable")
                continue
            if not isinstance(request, Ping):
                self._inbox.put(request)
                continue
            beats = 0 if self._idle or seen != self._steps else beats + 1
            seen = self._steps
            # Where the desk is gone, the next reading says so.
            with contextlib.suppress(OSError):
                self._send(Pong(beats, self._memory))

    def _step(self, step: EngineStep) -> None:
        self._steps += 1
        self._send(EngineStarting(step))

    def _send(self, event: Event) -> None:
        data = encode(event)
        with self._sending:
            self._connection.send_bytes(data)

    def _fail(self, request_id: str, error: Exception) -> None:
        code = error.code if isinstance(error, ZuoxiError) else "internal"
        self._send(RequestFailed(request_id, code, self._explain(error)))

    def _explain(self, error: Exception) -> str:
        """`error` in one line for the person; one that nobody foresaw by its kind only."""
        if isinstance(error, ZuoxiError):
            return explain(error, self._config.language)
        kind = type(error).__name__
        _log.error("unforeseen", kind=kind)
        return text("error.internal", self._config.language, kind=kind)
