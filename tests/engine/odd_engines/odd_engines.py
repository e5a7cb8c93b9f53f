"""Engine processes that misbehave in one way each. They are told what to do by their config.

`config.model` names a folder for notes: each life leaves one, so that a life knows which it is.
"""

from __future__ import annotations

import itertools
import os
import signal
import struct
import threading
import time
from collections.abc import Iterator
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
    Ping,
    Pong,
    PrioritiseRequest,
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
            file.write(f"{self.life}:{question}{' alone' if request.alone else ''}\n")
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


def hangs_once(config: bytes, connection: Connection) -> None:
    """In its first life it begins a draft and is deaf then; afterwards it answers everything."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    while engine.life == 1:
        request = engine.receive()
        if isinstance(request, DraftRequest):
            engine.send(DraftStarted(request.id))
            time.sleep(600)
    engine.serve()


def stops_in_a_word(config: bytes, connection: Connection) -> None:
    """In its first life it sends half of an event, and then nothing more."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    while engine.life == 1:
        request = engine.receive()
        if isinstance(request, DraftRequest):
            data = encode(DraftFinished(request.id, Draft("drafted", "x" * 1000)))
            os.write(connection.fileno(), struct.pack("!i", len(data)) + data[:500])
            time.sleep(600)
    engine.serve()


def _lives(engine: Engine, connection: Connection, beats: Iterator[int]) -> None:
    """Answer pings on another thread; other requests are for nobody."""

    def read() -> None:
        while True:
            if isinstance(engine.receive(), Ping):
                engine.send(Pong(next(beats)))

    threading.Thread(target=read, daemon=True).start()


def sticks_once(config: bytes, connection: Connection) -> None:
    """In its first life a draft never gets on, while the process tells that it lives."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    if engine.life > 1:
        engine.serve()
    while not isinstance(request := engine.receive(), DraftRequest):
        pass
    engine.send(DraftStarted(request.id))
    _lives(engine, connection, itertools.count())
    time.sleep(600)


def is_slow(config: bytes, connection: Connection) -> None:
    """Each draft takes three seconds in one step, and the process tells that it lives."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    while not isinstance(request := engine.receive(), DraftRequest):
        pass
    _lives(engine, connection, itertools.repeat(1))
    time.sleep(3)
    engine.answer(request)
    time.sleep(600)


def writes_several(config: bytes, connection: Connection) -> None:
    """Begins three drafts before it answers any; one begun with "poison" kills it then."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    begun: list[DraftRequest] = []
    while True:
        request = engine.receive()
        if isinstance(request, DraftRequest):
            engine.note(request)
            engine.send(DraftStarted(request.id))
            begun.append(request)
        elif not isinstance(request, (Ping, PrioritiseRequest)):
            engine.answer(request)
        if len(begun) == 3 or (begun and begun[-1].alone):
            if any(one.turns[-1].text == "poison" for one in begun):
                die()
            while begun:
                engine.answer(begun.pop())


def dies_of_a_search(config: bytes, connection: Connection) -> None:
    """A search for "poison" kills it."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    while True:
        request = engine.receive()
        if isinstance(request, SearchRequest) and request.query == "poison":
            die()
        engine.answer(request)


def tells_priorities(config: bytes, connection: Connection) -> None:
    """Answers a draft with the priority it came with, or has by the time of a search."""
    engine = Engine(config, connection)
    engine.send(EngineReady())
    known: dict[str, int] = {}
    while True:
        request = engine.receive()
        if isinstance(request, DraftRequest):
            known[request.id] = request.priority
            engine.send(DraftStarted(request.id))
        elif isinstance(request, PrioritiseRequest):
            known[request.id] = request.priority
            if engine.life == 1 and request.priority == 9:
                die()
        elif isinstance(request, SearchRequest):
            for key, priority in known.items():
                engine.send(DraftFinished(key, Draft("drafted", str(priority))))
            known.clear()
            engine.answer(request)
        elif isinstance(request, Shutdown):
            engine.answer(request)


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
