"""Real models: GGUF files run by llama.cpp, through llama-cpp-python's low-level calls.

`loading` opens a file, `context` is the native side of one loaded model, `memory` keeps what was
read of each conversation, `speculation` guesses ahead, and `generator` writes with all of them.
Everything native is used from one thread. A failed assertion in llama.cpp ends the process; that
is why this runs in the engine process only.
"""

from engine.drafting.llama.generator import LlamaGenerator
from engine.drafting.llama.loading import load_generator

__all__ = ["LlamaGenerator", "load_generator"]
