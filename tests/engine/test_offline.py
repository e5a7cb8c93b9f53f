"""Nothing calls out: every step runs where each try to reach the network is recorded and fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import paths, settings
from engine.paths import DataFolder
from engine.settings import Settings

ROOT = Path(__file__).parents[2]

# Python runs this at the start of every process that inherits the path, the children's included.
POISON = """
import os
import socket

def _record(what):
    with open(os.environ["ZUOXI_TEST_CALLS"], "a", encoding="utf-8") as file:
        file.write(f"{what}\\n")
    raise OSError(101, "no network in this test")

def _guard(name, genuine):
    def connect(self, address, *rest):
        if self.family == getattr(socket, "AF_UNIX", None):
            return genuine(self, address, *rest)
        _record(f"{name} {address!r}")
    return connect

for _name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, _name, _guard(_name, getattr(socket.socket, _name)))
for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "create_connection"):
    setattr(socket, _name, lambda *given, _name=_name, **more: _record(f"{_name} {given!r}"))
with open(os.environ["ZUOXI_TEST_CALLS"] + ".processes", "a", encoding="utf-8") as _file:
    _file.write(f"{os.getpid()}\\n")
"""


class Poisoned:
    """Runs commands in processes that cannot reach anything, and keeps who tried to."""

    def __init__(self, folder: Path, *before: str) -> None:
        self._before = before
        self._calls = folder / "calls"
        self.data = DataFolder(folder / "data")
        poison = folder / "poison"
        poison.mkdir(parents=True)
        (poison / "sitecustomize.py").write_text(POISON, "utf-8")
        kept = {
            name: value
            for name, value in os.environ.items()
            # What the program must see to by itself.
            if not name.startswith(("HF_", "TRANSFORMERS_", "ZUOXI_")) and "proxy" not in name
        }
        self._environment = {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(poison), str(ROOT)]),
            "ZUOXI_TEST_CALLS": str(self._calls),
            "ZUOXI_DATA": str(self.data.root),
        }

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._before, sys.executable, *arguments],
            capture_output=True,
            encoding="utf-8",
            env=self._environment,
            cwd=ROOT,
            check=False,
        )

    def zuoxi(self, *arguments: str) -> Any:
        done = self.python("-m", "engine.cli", *arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    @property
    def calls(self) -> list[str]:
        """What was tried."""
        return self._calls.read_text("utf-8").splitlines() if self._calls.exists() else []

    @property
    def processes(self) -> int:
        """How many processes were watched."""
        return len(set(Path(f"{self._calls}.processes").read_text("utf-8").split()))


def work_through(poisoned: Poisoned, documents: Path) -> None:
    """Every step of a day, from the first import to the decision."""
    assert poisoned.zuoxi("kb", "import", str(documents))["documents"] == 5
    assert poisoned.zuoxi("kb", "search", "退货邮费谁出")["passages"]
    assert poisoned.zuoxi("redline", "check", "您好")["action"] == "none"
    ids = poisoned.zuoxi("inbox", "add", "--customer", "王", "--text", "热水壶保修期多久？")
    draft = poisoned.zuoxi("draft", "--waiting")
    assert (draft["conversation"], draft["status"]) == (ids["conversation"], "drafted")
    decision = poisoned.zuoxi("decide", ids["conversation"], "--accept")
    assert decision["action"] == "accepted"


def test_the_trap_catches_those_who_call_out(tmp_path: Path) -> None:
    poisoned = Poisoned(tmp_path)
    code = "import urllib.request; urllib.request.urlopen('http://203.0.113.7/')"
    assert poisoned.python("-c", code).returncode != 0
    # So does a child of a child.
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    poisoned.python("-c", child)
    assert len(poisoned.calls) == 2
    assert poisoned.processes == 3


@pytest.mark.slow
def test_a_day_at_the_desk_never_tries_the_network(
    tmp_path: Path, document_folder: Path, quoting_gguf: Path, hashed_folder: Path
) -> None:
    poisoned = Poisoned(tmp_path)
    # The embedder that ships, where it stands: its libraries are the ones that like to call home.
    embedder = "" if paths.STARTER_EMBEDDER.is_dir() else str(hashed_folder)
    settings.save(poisoned.data, Settings(model=str(quoting_gguf), embedder=embedder))
    work_through(poisoned, document_folder)
    assert poisoned.calls == []
    # Six commands; the import and the engine are processes of their own.
    assert poisoned.processes >= 8


def test_a_day_at_the_desk_needs_no_network_device(
    tmp_path: Path, document_folder: Path, quoting_gguf: Path, hashed_folder: Path
) -> None:
    alone = ("unshare", "--map-root-user", "--net")
    if shutil.which("unshare") is None:
        pytest.skip("this system has no unshare to take the network away with")
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system does not let its users take the network away (unshare -rn)")
    poisoned = Poisoned(tmp_path, *alone)
    settings.save(poisoned.data, Settings(model=str(quoting_gguf), embedder=str(hashed_folder)))
    work_through(poisoned, document_folder)
    assert poisoned.calls == []
