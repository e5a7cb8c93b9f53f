"""``python -m engine.learning.reply_classifier``: trains the red line's classifier of replies.

It learns from our own sentences: the development half of those beside the rules
(`agent/<category>.txt`: what must not be sent, `agent/nothing_*.txt`: what may be), the examples of
the agents' rules, and what the starter corpus answers and quotes. It writes its weights into
`assets/rules/classifier`. With ``--check`` it learns without some of the files and trades, says how
it does on those, and writes nothing. The held-out half is not read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from engine.learning.handover_classifier import (
    CORPUS,
    NOTHING,
    SENTENCES,
    UNKNOWN,
    Example,
    report,
    train,
    write,
)
from engine.paths import CLASSIFIER, RULES
from engine.redline.classifier import LinearWeights
from engine.redline.features import WordClasses
from engine.redline.normalise import borders, fold
from engine.redline.packs import packs_in, read_pack
from engine.redline.quality import sentences
from engine.redline.reply_classifier import WEIGHTS, ReplyClassifier, shipped_classes

HALVES = 2
_MARK = re.compile(r"\[[a-z0-9-]+\]")


def examples() -> list[Example]:
    """All that is learnt from, each sentence once."""
    found: list[Example] = []
    for path in sorted((SENTENCES / "agent").glob("*.txt")):
        # A category may have several files: promise.txt, promise_2.txt.
        category = NOTHING if path.stem.startswith("nothing") else path.stem.rstrip("_0123456789")
        found += [Example(one, category, path.stem) for one in sentences(path)]
    found += [
        Example(one, UNKNOWN, "replies_bad") for one in sentences(SENTENCES / "replies_bad.txt")
    ]
    for name in ("replies", "reply_lookalikes"):
        found += [Example(one, NOTHING, name) for one in sentences(SENTENCES / f"{name}.txt")]
    for pack in (read_pack(path).pack for path in packs_in(RULES)):
        # What the packs themselves have said must be allowed.
        spoken = [script.text for script in pack.scripts]
        for rule in pack.rules:
            spoken += [words for words in (rule.script, rule.rewrite) if words is not None]
            if "agent" in rule.sides and rule.action == "block" and rule.match.heard is None:
                found += [Example(one, rule.category, rule.id) for one in rule.must_hit]
                found += [Example(one, NOTHING, rule.id) for one in rule.must_miss]
        found += [Example(one, NOTHING, pack.pack.id) for own in spoken for one in (own.zh, own.en)]
    for path in sorted(CORPUS.glob("*.jsonl")):
        found += [Example(one, NOTHING, f"corpus {path.stem}") for one in said(path)]
    seen: dict[str, Example] = {}
    for example in found:
        seen.setdefault(fold(example.text).text, example)
    return list(seen.values())


def said(path: Path) -> Iterator[str]:
    """The sentences of a trade's policies, agents and answers, their slots filled with their first
    values."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    slots = {
        line["id"]: {name: values[0] for name, values in line.get("slots", {}).items()}
        for line in lines
        if line["type"] == "policy"
    }
    for line in lines:
        about = [line["id"]] if line["type"] == "policy" else line.get("policies", ())
        values = {name: one for policy in about for name, one in slots.get(policy, {}).items()}
        turns = [turn["text"] for turn in line.get("turns", ()) if turn["role"] == "agent"]
        for text in (line.get("text", ""), line.get("answer", ""), *turns):
            filled = _MARK.sub("", text)
            for name, value in values.items():
                filled = filled.replace("{" + name + "}", value)
            yield from in_sentences(filled)


def in_sentences(text: str) -> list[str]:
    """The sentences of a text."""
    folded = fold(text)
    ends = [0, *borders(folded.text).sentences, len(folded.text)]
    parts = [folded.text[a:b].strip() for a, b in pairwise(ends)]
    return [part for part in parts if any(map(str.isalnum, part))]


def learnt(of: Sequence[Example], classes: WordClasses) -> LinearWeights:
    """The weights, from sentences. Of what must not be sent in several only one is to blame: the
    most likely one by a classifier that was trained on the others."""
    short: list[Example] = []
    several: list[tuple[Example, list[str]]] = []
    for one in of:
        parts = in_sentences(one.text)
        if len(parts) > 1 and one.category:
            several.append((one, parts))
        else:
            short += [Example(part, one.category, one.source) for part in parts]
    if several:
        first = ReplyClassifier(classes, train(short, classes))
        for one, parts in several:
            due = max(parts, key=lambda part: max(p.chance for p in first.passages(part)))
            short.append(Example(due, one.category, one.source))
    return train(short, classes)


def left_out(every: Sequence[Example], half: int) -> list[bool]:
    """Which are left out of what is learnt: all of a writer's files, and whole trades, so that
    nobody's way of putting things is known beforehand. Files of another writer end in ``_3``."""
    names = sorted({one.source for one in every if one.source.startswith("corpus")})
    halves = {name: number % HALVES for number, name in enumerate(names)}
    return [halves.get(one.source, int(not one.source.endswith("_3"))) == half for one in every]


def chances(every: Sequence[Example], classes: WordClasses) -> list[tuple[float, str]]:
    """The chance of each sentence, by what was learnt without its file, and for which category."""
    found: list[tuple[float, str]] = [(0.0, "")] * len(every)
    for half in range(HALVES):
        out = left_out(every, half)
        kept = [one for one, gone in zip(every, out, strict=True) if not gone]
        model = ReplyClassifier(classes, learnt(kept, classes))
        for number, gone in enumerate(out):
            if gone:
                folded = fold(every[number].text).text
                passages = model.passages(folded)
                best = max(passages, key=lambda one: one.chance, default=None)
                if best is not None:
                    found[number] = best.chance, model.category(folded, best)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains the classifier, or with ``--check`` says how it does on what it has not seen."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.learning.reply_classifier", description=__doc__
    )
    parser.add_argument("--check", action="store_true", help="measure, and write nothing")
    parser.add_argument("--out", type=Path, default=CLASSIFIER / WEIGHTS, help="file to write")
    asked = parser.parse_args(arguments)
    every = examples()
    classes = shipped_classes()
    due = sum(bool(one.category) for one in every)
    print(f"{due} that must not be sent, {len(every) - due} that may be", file=sys.stderr)
    if asked.check:
        shown = [
            Example(one.text, one.category, "corpus")
            if one.source.startswith("corpus")
            else Example(one.text, one.category, one.category or one.source)
            for one in every
        ]
        report(shown, [chance for chance, _ in chances(every, classes)])
        return 0
    digest = hashlib.sha256("\n".join(f"{e.category}\t{e.text}" for e in every).encode())
    write(learnt(every, classes), asked.out, digest.hexdigest()[:16])
    return 0


if __name__ == "__main__":
    sys.exit(main())
