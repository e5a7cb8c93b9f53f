"""What PySide6 compiles at each start is compiled once, and is the same as without that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Prints how much was compiled, whether Python's own functions are back, and a signature that
# PySide6 can only tell by the modules in question.
_START = """
import builtins, sys
from pathlib import Path
from engine import compiled
compiled._path = lambda _folder, name: Path(sys.argv[1]) / name
plain, own_import, sources = compile, __import__, []
def counting(source, filename, *more, **named):
    sources.append(str(filename))
    return plain(source, filename, *more, **named)
builtins.compile = counting
import desktop
print(sum(name.startswith("shibokensupport/") for name in sources))
print(builtins.compile is counting and builtins.__import__ is own_import)
from PySide6.QtCore import QObject
from PySide6.support.signature import get_signature
print(get_signature(QObject.setObjectName))
try:
    QObject().setObjectName([])
except TypeError as error:
    print(str(error).splitlines()[0])
"""


def _start(folder: Path) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-P", "-c", _START, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_second_start_compiles_nothing_and_works_alike(tmp_path: Path) -> None:
    first, second = _start(tmp_path), _start(tmp_path)
    assert int(first[0]) > 10
    assert second[0] == "0"
    assert first[1] == second[1] == "True"
    assert first[2:] == second[2:]
    assert len(first) == 4
    assert "name" in first[2]


@pytest.mark.parametrize("harm", [b"", b"\x93", None])
def test_bytecode_that_was_harmed_is_made_anew(tmp_path: Path, harm: bytes | None) -> None:
    first = _start(tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x40
    kept.write_bytes(bytes(flipped) if harm is None else harm)
    assert _start(tmp_path) == first
    assert _start(tmp_path)[0] == "0"
