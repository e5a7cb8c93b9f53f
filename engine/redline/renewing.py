"""Taking changed rule packs into use while the program runs."""

from __future__ import annotations

from pathlib import Path

from engine.errors import RuleError
from engine.redline.checking import Problem, problem_of
from engine.redline.gate import Gate
from engine.redline.rules import check_rules, load_rules


def renewed(former: Gate, folder: Path) -> tuple[Gate, list[Problem]]:
    """The gate for the packs as they stand in `folder` now, or the `former` one and why.

    A set with any problem is refused whole: what was in force stays so. A set that says the same as
    before leaves the former gate too, which has everything compiled.
    """
    try:
        rule_set = load_rules(folder)
    except RuleError as error:
        return former, check_rules(folder) or [
            problem_of(folder.name, "unreadable", values={"why": error.message})
        ]
    return (former if rule_set == former.rule_set else Gate(rule_set)), []
