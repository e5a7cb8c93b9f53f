"""Loading the part of PySide6 that everything rests on, without what it does anew at each start."""

from __future__ import annotations

import builtins
import importlib.util
import marshal
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, Final

from engine import compiled

_FOLDER: Final = Path(__file__).parent
_KEPT: Final = f"shiboken6.{sys.implementation.cache_tag}"
_SOURCES: Final = "shibokensupport/"


class _Bytecode:
    """The bytecode of the modules inside shiboken6, kept as Python keeps that of its own files."""

    def __init__(self, compile_: Callable[..., Any]) -> None:
        self._compile = compile_
        self._known = self._recall()
        self._used: dict[str, tuple[bytes, bytes]] = {}

    def compile(self, source: Any, filename: Any, mode: str, *more: Any, **named: Any) -> Any:
        """In the place of Python's own `compile`, whose arguments and answer are the same."""
        ours = not more and not named and isinstance(source, bytes)
        if not ours or not str(filename).startswith(_SOURCES):
            return self._compile(source, filename, mode, *more, **named)
        known = self._known.get(filename)
        if known is not None and known[0] == source:
            self._used[filename] = known
            return marshal.loads(known[1])
        # As Python's own would, this inherits the annotations from ``__future__`` of its caller.
        code: CodeType = self._compile(source, filename, mode)
        self._used[filename] = (source, marshal.dumps(code))
        return code

    def keep(self) -> None:
        """Keep what was compiled, if any of it was new."""
        if self._used and self._used != self._known and not sys.dont_write_bytecode:
            compiled.keep(_FOLDER, _KEPT, [importlib.util.MAGIC_NUMBER], self._used)

    @staticmethod
    def _recall() -> dict[str, tuple[bytes, bytes]]:
        kind = dict[str, tuple[bytes, bytes]]
        return compiled.recall(_FOLDER, _KEPT, [importlib.util.MAGIC_NUMBER], kind) or {}


def load() -> None:
    """Import shiboken6; Python's own functions are as before when it returns.

    Two workarounds for PySide6 6.11. It carries 13 modules as source text inside its library and
    compiles them at each start, which takes 40 ms. And it puts a hook into every later import that
    reads the imported module's source, to see whether it may want ``from __feature__ import …``:
    nothing here does, and it costs 10 ms.
    """
    if "shiboken6" in sys.modules:
        return
    plain_import, plain_compile = builtins.__import__, builtins.compile
    bytecode = _Bytecode(plain_compile)
    builtins.compile = bytecode.compile
    try:
        import shiboken6  # noqa: F401
    finally:
        builtins.compile, builtins.__import__ = plain_compile, plain_import
    bytecode.keep()
