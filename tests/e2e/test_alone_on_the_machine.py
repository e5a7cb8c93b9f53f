"""A desk with its engine, in processes in which no socket can be made: it drafts all the same, and
the window has loaded none of the heavy libraries."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.paths import DataFolder

HEAVY = ("torch", "transformers", "sentence_transformers", "lancedb", "llama_cpp")
# Imported by every Python process that starts under this path, the engine's too.
POISON = """
import os, socket

_socket = socket.socket


def _refuse(what):
    with open(os.environ["POISON_LOG"], "a") as log:
        log.write(f"{os.getpid()} {what}\\n")
    raise OSError("there is no network here")


class Socket(_socket):
    def __init__(self, family=-1, *rest, **more):
        if family not in (-1, socket.AF_UNIX) or (family == -1 and "fileno" not in more):
            # Not counted: urllib3 makes one as it is imported, to see whether there is IPv6.
            raise OSError("there is no network here")
        super().__init__(family, *rest, **more)

    def connect(self, address):
        _refuse("connect")


socket.socket = Socket
socket.create_connection = lambda *_, **__: _refuse("create_connection")
socket.getaddrinfo = lambda *_, **__: _refuse("getaddrinfo")
socket.gethostbyname = lambda *_: _refuse("gethostbyname")
with open(os.environ["POISON_LOG"] + ".on", "a") as log:
    log.write(f"{os.getpid()}\\n")
"""
DESK = """
import json, sys
from pathlib import Path
from time import monotonic
from msgspec.structs import replace
from PySide6.QtWidgets import QApplication
from desktop.app import build_desk
from desktop.demo.hands import Hands
from desktop.session.sample import read_sample
from engine.paths import DataFolder


def main():
    app = QApplication([])
    sample = read_sample()
    first = replace(sample, script=tuple(one for one in sample.script if one.start == 0)[:1])
    desk = build_desk(DataFolder(Path(sys.argv[1])), sample=first)
    desk.window.show()
    hands = Hands(desk, monotonic() + 600)
    hands.until("customer", lambda: desk.queue.rowCount() > 0, 300)
    hands.open("王大姐")
    hands.until("draft", lambda: desk.session.draft is not None, 300)
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    answer = {
        "draft": desk.session.draft.draft.text,
        "modules": loaded,
        "engine": desk.bridge.pid,
    }
    desk.close()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def answer(
    tmp_path_factory: pytest.TempPathFactory, furnish: Callable[..., DataFolder], python: str
) -> dict[str, Any]:
    """What a desk says that was run with poisoned sockets, with what was tried."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "sitecustomize.py").write_text(POISON, "utf-8")
    (folder / "play.py").write_text(DESK, "utf-8")
    log = folder / "tried"
    data = furnish(folder / "data")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [python, str(folder / "play.py"), str(data.root)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": f"{folder}{os.pathsep}{root}",
            "POISON_LOG": str(log),
        },
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    told["tried"] = log.read_text().splitlines() if log.exists() else []
    told["poisoned"] = Path(f"{log}.on").read_text().split()
    return told


def test_a_draft_is_written_where_no_socket_can_be_made(answer: dict[str, Any]) -> None:
    assert "亲" in answer["draft"]
    assert str(answer["engine"]) in answer["poisoned"], "the engine ran without the poison"
    assert answer["tried"] == []


def test_the_window_has_loaded_nothing_heavy(answer: dict[str, Any]) -> None:
    assert "PySide6" in answer["modules"]
    assert not set(HEAVY) & set(answer["modules"])
