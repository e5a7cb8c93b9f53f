"""llama.cpp itself: loaded once in a process, its complaints kept so that they can be told."""

from __future__ import annotations

import ctypes
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any


class Library:
    """llama.cpp's functions as `api`, and what it complained of lately."""

    def __init__(self) -> None:
        self.api, self._errors, _ = _library()

    @property
    def last_error(self) -> str:
        """The first thing llama.cpp complained of, which names the cause."""
        return self._errors[0][:200] if self._errors else "unknown cause"

    def load(self, path: Path, gpu_layers: int) -> Any:
        """The native model in the file `path`; a null pointer when it is refused."""
        self._errors.clear()
        parameters = self.api.llama_model_default_params()
        parameters.n_gpu_layers = gpu_layers
        return self.api.llama_model_load_from_file(str(path).encode(), parameters)


@cache
def _library() -> tuple[Any, deque[str], object]:
    """llama.cpp, what it complained of lately, and the callback by which it does.

    There is one callback for the process, and it must live as long as the library may call it.
    """
    import llama_cpp

    errors: deque[str] = deque(maxlen=8)

    @llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
    def keep(level: int, text: bytes, _: object) -> None:
        if level == 4:  # GGML_LOG_LEVEL_ERROR
            errors.append(text.decode("utf-8", "replace").strip())

    llama_cpp.llama_log_set(keep, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    return llama_cpp, errors, keep
