"""What the red-line rules cost for each message."""

from __future__ import annotations

import itertools

import ahocorasick_rs

from engine.bench.figures import Figure, measured
from engine.bench.timing import medians, over
from engine.bench.workbench import BenchError, Workbench

_CHARACTERS = 300
_MESSAGES = 40


def redline(bench: Workbench) -> list[Figure]:
    """A message of 300 characters under all rules, beside a plain search for the same wordings."""
    gate = bench.gate
    matches = [rule.match for rule in gate.rule_set.rules if "customer" in rule.sides]
    words = {
        word for match in matches for word in itertools.chain(match.words, match.none, *match.all)
    }
    if not words:
        raise BenchError("There are no rules to screen by.", "bench_no_rules")
    plain = ahocorasick_rs.AhoCorasick(sorted(words))
    texts = messages(bench)
    ours, theirs = medians(
        over(texts, lambda message: gate.screen(message, "customer", language="zh")),
        over(texts, lambda message: plain.find_matches_as_indexes(message, overlapping=True)),
        rounds=10 * len(texts),
        seconds=4,
    )
    return [
        measured(
            "redline",
            ours * 1000,
            "ms",
            peer=bench.say("peer.redline"),
            peer_value=theirs * 1000,
            note=bench.say("note.redline", rules=len(matches), words=len(words)),
        )
    ]


def messages(bench: Workbench) -> list[str]:
    """What the sample's customers wrote, run together and cut to length."""
    written = [turn.text for case in bench.cases for turn in case.turns]
    text = "".join(itertools.islice(itertools.cycle(written), 20 * len(written)))
    step = max(1, (len(text) - _CHARACTERS) // _MESSAGES)
    return [text[place * step : place * step + _CHARACTERS] for place in range(_MESSAGES)]
