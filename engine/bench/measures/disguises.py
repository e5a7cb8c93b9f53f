"""What the red line sees through, and what that costs: recall, speed beside a bare scan, growth."""

from __future__ import annotations

import itertools
from collections import Counter
from random import Random
from statistics import median

from engine.bench.disguising import KINDS, Phrase, disguised
from engine.bench.figures import Figure, Target, measured
from engine.bench.measures.screening import messages
from engine.bench.timing import interleaved, medians, over, timed
from engine.bench.workbench import BenchError, Workbench
from engine.redline.characters import ordinary_pairs
from engine.redline.matching import Found, Matcher
from engine.redline.normalise import fold
from engine.redline.schema import CHANNELS, Match, Rule
from engine.texts import Both

_WORDS = 50_000
_EXPRESSIONS = 300
_RULES = 100
_CHANNEL_OF = {"spacing": "squeeze", "symbols": "squeeze"}
_ALWAYS = frozenset(("width", "zero_width", "traditional"))


def evasion(bench: Workbench) -> list[Figure]:
    """The share of the rules' own examples that are still hit when their hits are disguised."""
    try:
        seen, tried, left = recall(bench.gate.rule_set.rules)
    except ImportError as error:
        raise BenchError(
            f"Disguising phrases needs {error.name}.", "bench_package", package=error.name or "?"
        ) from error
    figures = [
        _share("redline.evasion", sum(seen.values()), sum(tried.values()), 0.95, bench, left)
    ]
    for kind in KINDS:
        if tried[kind]:
            name = f"redline.evasion.{kind}"
            figures.append(_share(name, seen[kind], tried[kind], 0.85, bench, left, kind))
    return figures


def recall(rules: tuple[Rule, ...]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """For each way to disguise a phrase: how many were hit, of how many, and how many left out.

    Left out are phrases in which the way changes nothing, and rules that do not opt into it.
    """
    matchers: dict[str, Matcher] = {}
    for rule in rules:
        side = rule.sides[0]
        if side not in matchers:
            matchers[side] = Matcher([one for one in rules if side in one.sides])
    seen: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for rule in rules:
        matcher = matchers[rule.sides[0]]
        for example in rule.must_hit if rule.matches else ():
            folded = fold(example)
            hits = tuple(folded.span(hit.start, hit.end) for hit in _hits(matcher, rule, example))
            if not hits:
                continue  # It is the dialogue that it holds for.
            phrase = Phrase(example, hits, rule.initials)
            for kind in KINDS:
                opted = kind in _ALWAYS or _CHANNEL_OF.get(kind, kind) in rule.channels
                text = disguised(phrase, kind, Random(f"{kind} {example}")) if opted else None
                if text is None:
                    left[kind] += 1
                else:
                    tried[kind] += 1
                    seen[kind] += bool(_hits(matcher, rule, text))
    return seen, tried, left


def speed(bench: Workbench) -> list[Figure]:
    """A message of 300 characters under 50,000 words and 300 expressions, every disguise undone."""
    try:
        import ahocorasick  # type: ignore[import-not-found]
    except ImportError as error:
        raise BenchError(
            f"The peer is {error.name}.", "bench_package", package=error.name or "?"
        ) from error
    words = made_up_words(_WORDS)
    matcher = Matcher(made_up_rules(words))
    automaton = ahocorasick.Automaton()
    for word in words:
        automaton.add_word(word, word)
    automaton.make_automaton()
    texts = messages(bench)
    matcher.find(fold(texts[0]).text)
    ours, theirs = medians(
        over(texts, lambda text: matcher.find(fold(text).text)),
        over(texts, lambda text: list(automaton.iter(text))),
        rounds=20 * len(texts),
        seconds=10,
    )
    note = bench.say("note.redline.large", words=len(words), expressions=_EXPRESSIONS)
    peer = bench.say("peer.redline.large")
    value = Target("value", "≤", 1.0)
    ratio = Target("ratio", "≤", 3.0)
    return [
        measured("redline.large", ours * 1000, "ms", target=value, note=note),
        measured(
            "redline.large.ratio",
            ours * 1000,
            "ms",
            peer=peer,
            peer_value=theirs * 1000,
            target=ratio,
            note=note,
        ),
    ]


def growth(bench: Workbench) -> list[Figure]:
    """The time per character of a hostile text of 1 MB beside one of 10 KB: the worst of all."""
    rules = bench.gate.rule_set.rules
    matcher = Matcher([rule for rule in rules if "model" in rule.sides])
    worst: tuple[float, float] | None = None
    for kind in HOSTILE:
        small, large = hostile(kind, 10_000), hostile(kind, 1_000_000)
        matcher.find(fold(small).text)
        times = interleaved(
            timed(lambda text=small: matcher.find(fold(text).text, 200)),  # type: ignore[misc]
            rounds=9,
            seconds=4,
        )
        [[long]] = interleaved(
            timed(lambda text=large: matcher.find(fold(text).text, 200)),  # type: ignore[misc]
            rounds=1,
            seconds=60,
        )
        pair = long / len(large), median(times[0]) / len(small)
        if worst is None or pair[0] / pair[1] > worst[0] / worst[1]:
            worst = pair
    if worst is None:
        raise BenchError("There is no hostile text.", "bench_no_rules")
    return [
        measured(
            "redline.growth",
            worst[0] * 1e9,
            "ns",
            peer=bench.say("peer.redline.growth"),
            peer_value=worst[1] * 1e9,
            target=Target("ratio", "≤", 2.0),
            note=bench.say("note.redline.growth", kinds=len(HOSTILE)),
        )
    ]


HOSTILE = (
    *("nested", "repeated", "letters", "pinyin", "signs"),
    *("halves", "digits", "heard", "vowel"),
)
"""Texts made to be slow with."""


def hostile(kind: str, size: int) -> str:
    """A hostile text of about `size` characters."""
    unit = {
        "nested": "(((((【【【「「「" + "加我" + "」」」】】】)))))" + "微信",
        "repeated": "保本保本",
        "letters": "s u e y o u g u a r a n t e e d ",
        "pinyin": "baobenbaoxiweixinxianaoe",
        "signs": "保*_*~本❤➕*加v微*~信",
        "halves": "言正手戈白勺人尔人门木几氵去",
        "digits": "一二三四五1 2 3 4 5 6 7 8 ①②③、",
        "heard": "葆本威信帷薪蜜码迷玛",
        "vowel": "a",
    }[kind]
    return (unit * (size // len(unit) + 1))[:size]


def made_up_words(count: int) -> list[str]:
    """Words of two to six characters, made of pairs that are ordinary talk; the same every time."""
    chance = Random(5)
    pairs = sorted(ordinary_pairs())
    found: dict[str, None] = {}
    while len(found) < count:
        word = "".join(chance.choice(pairs) for _ in range(chance.choice((2, 2, 2, 3))))
        found[word[: chance.choice((3, 4, 4, 6))]] = None
    return list(found)


def made_up_rules(words: list[str]) -> list[Rule]:
    """A hundred rules with all of `words` and three hundred expressions."""
    chance = Random(6)
    same = Both("规则", "rule")
    rules = []
    each = -(-len(words) // _RULES)
    for number in range(_RULES):
        expressions = tuple(
            ".{0,8}".join(f"(?:{'|'.join(chance.sample(words, 6))})" for _ in range(2))
            for _ in range(_EXPRESSIONS // _RULES)
        )
        own = tuple(words[number * each : (number + 1) * each])
        rules.append(
            Rule(
                id=f"made.up_{number}",
                side="agent",
                category="made_up",
                level="L3",
                action="block",
                name=same,
                why=same,
                advice=same,
                match=Match(words=own, expressions=expressions),
                evasion=CHANNELS,
                initials=tuple(itertools.islice((word for word in own if len(word) == 3), 5)),
            )
        )
    return rules


def _hits(matcher: Matcher, rule: Rule, text: str) -> list[Found]:
    return [hit for hit in matcher.find(fold(text).text) if hit.rule is rule and not hit.vetoed]


def _share(
    name: str,
    seen: int,
    tried: int,
    bound: float,
    bench: Workbench,
    left: Counter[str],
    kind: str = "",
) -> Figure:
    out = left[kind] if kind else sum(left.values())
    return measured(
        name,
        100 * seen / tried,
        "%",
        target=Target("value", "≥", 100 * bound),
        note=bench.say("note.redline.evasion", tried=tried, left=out),
    )
