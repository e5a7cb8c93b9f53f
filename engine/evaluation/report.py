"""An evaluation written down: as JSON for programs, as one HTML page for people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from engine import paths
from engine.evaluation.figures import (
    ALL,
    ANSWERABLE,
    DEMANDING,
    KINDS,
    RESAMPLES,
    SEED,
    Slice,
    Target,
    by_company,
    slices,
    targets,
)
from engine.evaluation.modes import ModeFigure, compared, evidence, favoured, of_mode
from engine.evaluation.reading import sheet, to_read
from engine.evaluation.results import Result
from engine.model_card import Mode, ModeEvidence
from engine.protocol import without_surrogates
from engine.records import Language, Release
from engine.texts import text

JSON_NAME = "evaluation.json"
PAGE_NAME = "evaluation.html"
SHEET_NAME = "reading-{mode}.md"
_NAMED: Final = frozenset({ALL, ANSWERABLE, DEMANDING, *KINDS})

# Control characters and overrides of the writing direction: nothing of a case may turn the page.
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class SkippedLine(Struct, frozen=True):
    """A line of a file of cases that was left out."""

    file: str
    line: int
    why: str


class Report(Struct, frozen=True):
    """One whole evaluation of what is in use (`current`). At least one result.

    `results` are in one mode or in both. `available` is how many cases there were; fewer results
    mean that a limit was set. `day` is the ISO date it was made on, `seconds` how long it took;
    `hands` processes drafted side by side.
    """

    current: Release
    results: tuple[Result, ...]
    skipped: tuple[SkippedLine, ...] = ()
    available: int = 0
    day: str = ""
    seconds: float = 0.0
    hands: int = 1

    @property
    def mode(self) -> Mode:
        """The mode whose figures stand in front: of two, the one that they speak for."""
        return favoured(self.results) or self.results[0].mode

    @property
    def shown(self) -> list[Result]:
        """The results in that mode: one of each case."""
        return of_mode(self.results, self.mode)

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes that were run."""
        return tuple(dict.fromkeys(result.mode for result in self.results))

    def evidence(self, model: str) -> ModeEvidence | None:
        """What it says for a model's card (`model`: its fingerprint), where both modes were run."""
        return evidence(self.results, model, self.day)

    def summary(self) -> dict[str, Any]:
        """The figures in JSON's own types, and of each case how it ended."""
        shown = self.shown
        every = slices(shown)
        return {
            "current": msgspec.to_builtins(self.current),
            "mode": self.mode,
            "day": self.day,
            "seconds": round(self.seconds, 1),
            "hands": self.hands,
            "cases_run": len(shown),
            "cases_available": self.available,
            "bootstrap": {"resamples": RESAMPLES, "seed": SEED, "interval": 0.95},
            "targets": msgspec.to_builtins(targets(every)),
            "slices": msgspec.to_builtins(every),
            "companies": msgspec.to_builtins(by_company(shown)),
            "modes": msgspec.to_builtins(compared(self.results)),
            "skipped": msgspec.to_builtins(self.skipped),
            "cases": [_brief(result) for result in self.results],
        }

    def whole(self) -> dict[str, Any]:
        """The same with everything that was said, found and answered in each case."""
        return self.summary() | {"cases": [_full(result) for result in self.results]}


def write(report: Report, folder: Path, language: Language, *, read: int = 0) -> None:
    """Write the report into `folder` as JSON and as a page. Raises `OSError`.

    With `read`, also a sheet of so many drafts of each mode, for a person to read. All are there
    whole or as they were before: each is written beside its place first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(without_surrogates(report.whole())), indent=1)
    made = {JSON_NAME: content, PAGE_NAME: page(report, language).encode("utf-8", "replace")}
    for mode in report.modes if read else ():
        drafts = sheet(to_read(of_mode(report.results, mode), read), language)
        made[SHEET_NAME.format(mode=mode)] = _UNFIT.sub("\ufffd", drafts).encode("utf-8", "replace")
    scratches = {name: folder / f".{name}.part" for name in made}
    try:
        for name, data in made.items():
            scratches[name].write_bytes(data)
        for name, scratch in scratches.items():
            scratch.replace(folder / name)
    finally:
        for scratch in scratches.values():
            scratch.unlink(missing_ok=True)


def page(report: Report, language: Language) -> str:
    """The report as one HTML page that loads nothing, in `language`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(paths.ASSETS / "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_presentable,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def say(key: str, **values: object) -> str:
        return text(f"evaluation.{key}", language, **values)

    environment.globals.update(
        t=say, percent=_percent, points=_points, times=_times, milliseconds=_milliseconds
    )
    shown = report.shown
    every = slices(shown)
    beside: list[Result | None] = [one for one in report.results if one.mode != report.mode]
    pairs = zip(shown, beside or [None] * len(shown), strict=True)
    return environment.get_template("evaluation.html").render(
        language="zh-CN" if language == "zh" else "en",
        report=report,
        slices=every,
        companies=by_company(shown),
        targets=targets(every),
        answerable=next((part for part in every if part.name == ANSWERABLE), every[0]),
        modes=compared(report.results),
        failures=[(result, other) for result, other in pairs if not result.solved],
        reasons=_in(reason for result in shown for reason in result.why),
        kinds=_in(result.case.kind for result in shown if not result.solved),
        places=_in(result.company for result in shown if not result.solved),
        known_kinds=_NAMED,
        resamples=RESAMPLES,
    )


def summary_lines(report: Report, language: Language) -> list[str]:
    """The figures in a few lines for a terminal."""

    def say(key: str, **values: object) -> str:
        return text(f"evaluation.{key}", language, **values)

    every = slices(report.shown)
    mode = say(f"mode.{report.mode}")
    lines = [say("line.head", cases=len(report.shown), available=report.available, mode=mode)]
    lines += [_line(part, language) for part in every]
    for target in targets(every):
        mark = {True: "holds", False: "misses", None: "unknown"}[target.holds]
        lines.append(
            f"{say(mark)}  {say(f'target.{target.name}')} {shown(target)} ({target.bound})"
        )
    lines.append(say("why.head"))
    lines += [f"  {count:4d}  {say(f'why.{reason}')}" for reason, count in every[0].why.items()]
    for figure in compared(report.results):
        if figure.name in (ALL, ANSWERABLE, DEMANDING):
            lines.append(_mode_line(figure, language))
    if chosen := favoured(report.results):
        lines.append(say("line.favoured", mode=say(f"mode.{chosen}")))
    return lines


def shown(target: Target) -> str:
    """The value of a target as it is written: a count, a multiple or percentage points."""
    if target.value is None:
        return "–"
    as_written = {
        "times": _times,
        "share": _percent,
        "points": _points,
        "count": lambda value: f"{value:g}",
        "ms": _milliseconds,
    }
    return as_written[target.unit](target.value)


def _line(part: Slice, language: Language) -> str:
    keyword, bm25 = part.peer("keyword"), part.peer("bm25")
    name = part.name
    if name in _NAMED:
        name = text(f"evaluation.kind.{name}", language)
    return text(
        "evaluation.line.slice",
        language,
        name=name,
        n=part.n,
        solved=_percent(part.current),
        keyword=_percent(keyword.solved),
        ratio=_times(keyword.ratio),
        bm25=_percent(bm25.solved),
        recall=_percent(part.recall3),
        peer_recall=_percent(bm25.recall3),
    )


def _mode_line(figure: ModeFigure, language: Language) -> str:
    return text(
        "evaluation.line.modes",
        language,
        name=text(f"evaluation.kind.{figure.name}", language),
        verbatim=_percent(figure.solved["verbatim"]),
        free=_percent(figure.solved["free"]),
        gain=_points(figure.gain.difference),
        low=_points(figure.gain.low),
        high=_points(figure.gain.high),
    )


def _in(names: Iterable[str]) -> list[tuple[str, int]]:
    """The different `names`, the most frequent first, with how often each is there."""
    return Counter(names).most_common()


def _brief(result: Result) -> dict[str, Any]:
    return {
        "company": result.company,
        "id": result.case.id,
        "kind": result.case.kind,
        "expect": result.case.expect,
        "mode": result.mode,
        "status": result.status,
        "solved": result.solved,
        "why": list(result.why),
        "breaks": list(result.breaks),
        "recall3": result.recall,
        "peers": {f"{one.name}.{one.form}": one.solved for one in result.peers},
    }


def _full(result: Result) -> dict[str, Any]:
    peers = msgspec.to_builtins(result.peers)
    return {
        **_brief(result),
        **msgspec.to_builtins(result),
        "solved": result.solved,
        "peers": peers,
    }


def _presentable(value: Any) -> Any:
    if isinstance(value, Target):
        return shown(value)
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return _UNFIT.sub("\ufffd", value)
    return value


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "−")


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}×"


def _milliseconds(value: float) -> str:
    return f"{value:,.0f}"
