"""Loads the model files named by its arguments, one after the other, and says what came of each.

A program of its own: a file that makes llama.cpp abort or never return ends this, not the tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.drafting.generation import Logits
from engine.drafting.llama import load_generator
from engine.drafting.model_file import check_model_file
from engine.drafting.prompt import ChatMessage
from engine.errors import ModelError
from engine.texts import explain

CHAT = (ChatMessage("system", "你是客服。"), ChatMessage("user", "邮费谁出？"))


class Likeliest:
    """The likeliest token, whatever it is."""

    def choose(self, logits: Logits) -> Sequence[int]:
        return (int(np.nan_to_num(np.array(logits)).argmax()),)


def tell(*words: object) -> None:
    print(json.dumps(words), flush=True)


def main() -> None:
    for name in sys.argv[1:]:
        path = Path(name)
        tell("begin", name)
        try:
            check_model_file(path)
            generator = load_generator(path, context=512, threads=1)
            try:
                said = list(generator.generate(CHAT, Likeliest(), limit=4))
            finally:
                generator.close()
            tell("loaded", name, said[-1].tokens.generated)
        except ModelError as error:
            tell("refused", name, error.code, explain(error, "zh"), explain(error, "en"))
    tell("end")


if __name__ == "__main__":
    main()
