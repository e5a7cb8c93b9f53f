"""``python -m engine.learning.starter STEP --corpus DIR --out DIR``: makes the starter models.

Every step can be stopped at any moment; the same call goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.errors import ZuoxiError
from engine.learning.starter import recipes

STEPS = ("all", "tokenizer", "generator", "embedder", "export", "card", "reranker")
_WHOLE = STEPS[1:-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the steps asked for; 0 when all are done, 1 when stopped or impossible."""
    asked = _parser().parse_args(arguments)
    place = recipes.Workplace(public=asked.corpus, out=asked.out, own=asked.own)
    steps = _WHOLE if asked.step == "all" else (asked.step,)
    try:
        for step in steps:
            print(f"{step} …", file=sys.stderr, flush=True)
            if not _run(step, place, asked):
                print(f"{step}: stopped; the same call goes on from here", file=sys.stderr)
                return 1
    except ZuoxiError as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


def _run(step: str, place: recipes.Workplace, asked: argparse.Namespace) -> bool:
    if step == "tokenizer":
        recipes.make_tokenizer(place)
    elif step == "generator":
        return recipes.pretrain_generator(place, asked.minutes / 2) and recipes.tune_generator(
            place, asked.minutes / 2
        )
    elif step == "embedder":
        recipes.make_embedder(place)
    elif step == "reranker":
        recipes.make_reranker(place)
    elif step == "export":
        recipes.export_generator(place)
    else:
        recipes.write_cards(place)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.learning.starter", description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--corpus", type=Path, required=True, help="folder with the public text")
    parser.add_argument("--out", type=Path, required=True, help="folder for all results")
    parser.add_argument(
        "--own", type=Path, default=recipes.OWN_CORPUS, help="folder with our own corpus"
    )
    parser.add_argument(
        "--minutes", type=float, default=110.0, help="time for training the generator, both stages"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
