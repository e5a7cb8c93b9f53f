"""Documents that are opened quickly one after another, and reading that ends with the program."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.background import Background
from desktop.session.documents import Documents
from engine.errors import InputError
from engine.knowledge.formats.confinement import Confinement
from engine.records import Passage

PATIENCE_S = 20


class Reader:
    """Reads as the knowledge does; the first file takes until it is given up."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.began = threading.Event()

    def __call__(self, folder: Path, doc: str, confinement: Confinement) -> tuple[Passage, ...]:
        self.read.append(doc)
        if len(self.read) == 1:
            self.began.set()
            over = time.monotonic() + PATIENCE_S
            while not confinement._given_up and time.monotonic() < over:
                time.sleep(0.005)
            raise InputError("The file is broken.", "document_broken", kind="docx")
        return (Passage(doc, doc, "", f"text of {doc}"),)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """What reads the documents."""
    made = Reader()
    monkeypatch.setattr("engine.knowledge.reading.passages_of", made)
    return made


@pytest.fixture
def background(qtbot: QtBot) -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


def documents(background: Background, folder: Path) -> tuple[Documents, list[tuple[str, Any]]]:
    """The documents, and what they tell of those that were opened."""
    made = Documents(background, folder, lambda: "2026-11-23", background)
    told: list[tuple[str, Any]] = []
    made.opened.connect(lambda doc, passages: told.append((doc, passages[0].text)))
    made.not_opened.connect(lambda doc, error: told.append((doc, error.code)))
    return made, told


def test_a_document_left_and_come_back_to_is_read_anew_and_not_called_broken(
    qtbot: QtBot, background: Background, tmp_path: Path, reader: Reader
) -> None:
    source, told = documents(background, tmp_path)
    source.open("一.docx")
    assert reader.began.wait(PATIENCE_S)
    source.open("二.docx")
    source.open("一.docx")
    qtbot.waitUntil(lambda: bool(told))
    assert told == [("一.docx", "text of 一.docx")]
    assert reader.read == ["一.docx", "一.docx"]


def test_of_documents_passed_over_before_their_reading_began_none_is_read(
    qtbot: QtBot, background: Background, tmp_path: Path, reader: Reader
) -> None:
    reader.read.append("something before")
    source, told = documents(background, tmp_path)
    free = threading.Event()
    background.run(source, free.wait, "knowledge")
    for doc in ("一.docx", "二.docx", "三.docx"):
        source.open(doc)
    free.set()
    qtbot.waitUntil(lambda: bool(told))
    assert told == [("三.docx", "text of 三.docx")]
    assert reader.read[1:] == ["三.docx"]


def test_what_was_not_begun_when_the_program_ends_is_not_read(
    background: Background, tmp_path: Path, reader: Reader
) -> None:
    source, told = documents(background, tmp_path)
    free = threading.Event()
    background.run(source, free.wait, "knowledge")
    source.open("一.docx")
    source.stop()
    free.set()
    background.close()
    assert (told, reader.read) == ([], [])
