"""Engine processes that misbehave in one way each. They are told what to do by their config.

`config.model` names a folder for notes: each life leaves one, so that a life knows which it is.
"""

from __future__ import annotations

import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from engine.protocol import (
    CancelRequest,
    DraftFinished,
    DraftRequest,
    DraftStarted,
    EngineConfig,
    EngineFailed,
    EngineReady,
    EngineStarting,
    Event,
    KnowledgeReloaded,
    ReloadKnowledge,
    Request,
    RequestFailed,
    SearchFinished,
    SearchRequest,
    Shutdown,
    TextReleased,
    decode_request,
    encode,
)
from engine.records import Draft


class Engine:
    """The pipe, and which life this is (from 1)."""

    def __init__(self, config: bytes, connection: Connection) -> None:
        self.config = msgspec.msgpack.decode(config, type=EngineConfig)
        self.connection = connection
        self.life = 1
        while True:
            try:
                (Path(self.config.model) / f"life-{self.life}").touch(exist_ok=False)
                return
            except FileExistsError:
                self.life += 1

    def send(self, event: Event) -> None:
        self.connection.send_bytes(encode(event))

    def receive(self) -> Request:
        try:
            return decode_request(self.connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)

    def note(self, request: DraftRequest) -> str:
        """Leave a note that this life was asked this."""
        question = request.turns[-1].text
        with (Path(self.config.model) / "asked").open("a", encoding="utf-8") as file:
            file.write(f"{self.life}:{question}\n")
        return question

    def answer(self, request: Request) -> None:
        if isinstance(request, Shutdown):
            os._exit(0)
        if isinstance(request, DraftRequest):
            text = f"{request.turns[-1].text} ({self.life})"
            self.send(DraftStarted(request.id))
            self.send(TextReleased(request.id, text))
            self.send(DraftFinished(request.id, Draft("drafted", text)))
        elif isinstance(request, SearchRequest):
            self.send(SearchFinished(request.id, request.query, (), 0.0))
        elif isinstance(request, ReloadKnowledge):
            self.send(KnowledgeReloaded(request.id, "1", 1))

    def serve(self) -> None:
        while True:
            self.answer(self.receive())


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def plain(config: bytes, connection: Connection) -> None:
    """Answers everything."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    engine.serve()


def aborts_at_once(config: bytes, connection: Connection) -> None:
    """Ends natively before it says anything."""
    Engine(config, connection)
    os.abort()


def dies_of_poison(config: bytes, connection: Connection) -> None:
    """A question that begins with "poison" kills it; "poison once" only in its first life."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    while True:
        request = engine.receive()
        if isinstance(request, DraftRequest):
            question = engine.note(request)
            if question.startswith("poison") and ("once" not in question or engine.life == 1):
                engine.send(DraftStarted(request.id))
                die()
        engine.answer(request)


def hangs(config: bytes, connection: Connection) -> None:
    """Begins each draft and never ends it, deaf to everything, the end included."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    request = engine.receive()
    if isinstance(request, DraftRequest):
        engine.note(request)
        engine.send(DraftStarted(request.id))
    time.sleep(600)


def waits_for_cancel(config: bytes, connection: Connection) -> None:
    """Ends a draft only when it is called off, and then says more of it than it should."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    while True:
        request = engine.receive()
        if isinstance(request, DraftRequest):
            engine.send(DraftStarted(request.id))
        elif isinstance(request, CancelRequest):
            engine.send(RequestFailed(request.id, "cancelled", "off"))
            engine.send(TextReleased(request.id, "stale"))
            engine.send(DraftFinished(request.id, Draft("drafted", "stale")))
        else:
            engine.answer(request)


def dies_when_called_off(config: bytes, connection: Connection) -> None:
    """In its first life it drafts until it is called off, and dies of that."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    while engine.life == 1:
        request = engine.receive()
        if isinstance(request, DraftRequest):
            engine.note(request)
            engine.send(DraftStarted(request.id))
        elif isinstance(request, CancelRequest):
            die()
    engine.serve()


def babbles(config: bytes, connection: Connection) -> None:
    """Sends garbage and answers to what nobody asked between the right ones."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    while True:
        connection.send_bytes(b"\xc1garbage")
        engine.send(DraftFinished("r999", Draft("drafted", "for nobody")))
        engine.answer(engine.receive())


def refuses(config: bytes, connection: Connection) -> None:
    """Cannot start, and says why."""
    engine = Engine(config, connection)
    engine.send(EngineFailed("rules_invalid", "bad rules"))
    os._exit(3)


def loses_its_model(config: bytes, connection: Connection) -> None:
    """Aborts whenever it loads its model, as llama.cpp does on some files."""
    engine = Engine(config, connection)
    engine.send(EngineStarting("process"))
    if engine.config.generator != "none":
        engine.send(EngineStarting("model"))
        os.abort()
    engine.send(EngineReady(model_error="left out"))
    engine.serve()
