"""The arithmetic of figures, how they are taken in turn, and the table they stand in."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bench.figures import Figure, Target, measured, rounded
from engine.bench.machine import Machine, this_machine
from engine.bench.suite import MEASURES
from engine.bench.table import markdown, page
from engine.bench.timing import interleaved, medians, over
from engine.paths import data_folder
from engine.settings import Settings, engine_config
from engine.texts import table, text


@pytest.fixture(scope="module")
def machine() -> Machine:
    return this_machine(engine_config(data_folder("somewhere"), Settings()))


def test_ratio_is_value_over_peer_and_is_what_the_target_judges() -> None:
    target = Target("ratio", "≥", 0.8)
    good = measured("decode", 90.0, "tokens/s", peer="loop", peer_value=100.0, target=target)
    bad = measured("decode", 79.0, "tokens/s", peer="loop", peer_value=100.0, target=target)
    assert (good.ratio, good.target, good.holds) == (0.9, "ratio ≥ 0.8", True)
    assert (bad.ratio, bad.holds) == (0.79, False)


def test_a_target_judges_what_was_measured_and_not_what_is_shown() -> None:
    target = Target("value", "≤", 200)
    figure = measured("desk.memory", 200.04, "MB", target=target)
    assert figure.value == 200.0
    assert figure.holds is False


def test_a_target_of_the_ratio_judges_nothing_without_a_peer() -> None:
    figure = measured("decode", 5.0, "tokens/s", target=Target("ratio", "≥", 0.8))
    assert (figure.ratio, figure.holds) == (None, None)


def test_without_a_target_nothing_holds_or_fails() -> None:
    figure = measured("redline", 1.0, "ms", peer="scan", peer_value=0.5)
    assert (figure.target, figure.holds, figure.ratio) == (None, None, 2.0)


@pytest.mark.parametrize(("value", "peer"), [(float("nan"), 1.0), (1.0, float("inf"))])
def test_what_is_no_number_is_no_figure(value: float, peer: float) -> None:
    with pytest.raises(ValueError, match="no number"):
        measured("redline", value, "ms", peer="scan", peer_value=peer)


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_rounding_keeps_four_digits(value: float) -> None:
    short = rounded(value)
    assert short is not None
    assert abs(short - value) <= 5.001e-4 * value
    assert rounded(short) == short


def test_calls_take_turns_in_changing_order() -> None:
    order: list[str] = []

    def call(name: str) -> float:
        order.append(name)
        return float(len(order))

    results = interleaved(lambda: call("a"), lambda: call("b"), rounds=3, seconds=60)
    assert "".join(order) == "abbaab"
    assert results == [[1, 4, 5], [2, 3, 6]]


def test_one_round_is_made_even_without_time_and_then_no_other() -> None:
    assert interleaved(lambda: 1.0, lambda: 2.0, rounds=50, seconds=0) == [[1.0], [2.0]]


def test_the_median_forgives_one_slow_round() -> None:
    values = iter([3.0, 1.0, 900.0])
    assert medians(lambda: next(values), rounds=3, seconds=60) == [3.0]


def test_items_are_gone_through_in_circles() -> None:
    seen: list[str] = []
    measure = over("abc", seen.append)
    assert all(measure() >= 0 for _ in range(5))
    assert seen == list("abcab")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_figure_is_named_and_gets_a_row(language: str, machine: Machine) -> None:
    names = [name for measure in MEASURES for name in measure.figures]
    assert len(names) == len(set(names))
    figures = [measured(name, 1.0, "ms", peer="p", peer_value=2.0) for name in names]
    lines = markdown(machine, figures, "zh" if language == "zh" else "en").splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == len(names) + 2
    assert all(row.count("|") == 8 for row in rows)
    assert all(f"`{name}`" in row for name, row in zip(names, rows[2:], strict=True))


def test_a_failed_figure_stands_in_the_table_with_its_reason(machine: Machine) -> None:
    figures = [Figure("decode", error="a | b\nc"), Figure("desk.memory", note="left out")]
    page = markdown(machine, figures, "en")
    assert "| failed | – | – | – | – | a \\| b c |" in page
    assert "| – | – | – | – | – | left out |" in page


def test_a_peer_stands_beside_its_value_and_a_missed_target_is_said(machine: Machine) -> None:
    target = Target("ratio", "≤", 2.5)
    figure = measured("desk.standing", 3.0, "s", peer="empty", peer_value=1.0, target=target)
    assert "| 3 s | 1 s empty | 3 | ratio ≤ 2.5 | no |" in markdown(machine, [figure], "en")


def test_the_page_says_how_many_targets_are_met_and_which_are_not(machine: Machine) -> None:
    target = Target("ratio", "≤", 2.5)
    figures = [
        measured("desk.standing", 3.0, "s", peer="empty", peer_value=1.0, target=target),
        measured("desk.memory", 3.0, "MB", target=Target("value", "≤", 200)),
        measured("redline", 1.0, "ms"),
    ]
    content = page(machine, figures, "en")
    assert "1 of the 2 figures with a target meet it. Not met: desk.standing." in content
    assert machine.commit in content
    assert markdown(machine, figures, "en") in content


def test_json_keys_are_those_of_the_contract(machine: Machine) -> None:
    plain = msgspec.to_builtins({"machine": machine, "figures": [measured("redline", 1.0, "ms")]})
    assert {"cpu", "cores", "memory", "os", "python", "llama.cpp"} <= set(plain["machine"])
    assert {"name", "value", "unit", "peer", "peer_value", "ratio", "target", "holds"} <= set(
        plain["figures"][0]
    )
    assert plain["figures"][0]["holds"] is None


def test_every_sentence_of_the_bench_has_a_use() -> None:
    names = {f"bench.name.{name}" for measure in MEASURES for name in measure.figures}
    written = {key for key in table() if key.startswith("bench.name.")}
    assert written == names
    assert text("bench.failed", "zh") != text("bench.failed", "en")
