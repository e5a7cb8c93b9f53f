"""Any order of what leads do with the rules, with restarts in between."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from written_rules import GIFT, PACK

from engine.errors import InputError
from engine.redline.gate import Gate
from engine.store.store import Store, open_store
from engine.workshop.running import running
from engine.workshop.workshop import Workshop

people = st.sampled_from(["王班长", "李班长", "赵班长"])
ids = st.sampled_from(["own.a", "own.b"])
words = st.sampled_from(["送您一份礼", "白送一台", "终身免费"])
Changes = dict[str, str]


class RulesMachine(RuleBasedStateMachine):
    """Beside the real thing a model: what every version says, and how it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.packs = Path(self.folder.name) / "packs"
        self.store: Store
        self.workshop: Workshop
        self.draft: Changes | None = None
        self.authors: set[str] = set()
        self.versions: dict[int, Changes] = {0: {}}
        self.behind: dict[int, set[str]] = {}
        self.states: dict[int, str] = {}
        self.was_in_force = {0}
        self.now = 0

    @initialize()
    def begin(self) -> None:
        self.packs.mkdir()
        (self.packs / "test.yaml").write_text(PACK, "utf-8")
        self.open()

    def open(self) -> None:
        self.store = open_store(Path(self.folder.name) / "zuoxi.db")
        self.workshop = Workshop(self.store, self.packs)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def on_trial(self) -> int | None:
        return next((n for n, state in self.states.items() if state in ("trial", "asked")), None)

    def begun(self) -> Changes:
        """What an edit starts from."""
        return dict(self.draft if self.draft is not None else self.versions[
            self.on_trial() or self.now
        ])  # fmt: skip

    def done(self, may: bool, act: Callable[[], object]) -> bool:
        """Whether `act` was done, which it must be where it `may`, and nowhere else."""
        try:
            act()
        except InputError:
            assert not may
        else:
            assert may
        return may

    @rule()
    def start_again(self) -> None:
        self.store.close()
        self.open()

    @rule(id=ids, word=words, who=people)
    def edit(self, id: str, word: str, who: str) -> None:
        self.draft = self.begun() | {id: word}
        self.authors.add(who)
        text = GIFT.replace("own.gift", id).replace("送您一份礼", word)
        known = {one.id for one in self.workshop.rules()}
        self.workshop.put(text, who, id=id if id in known else "")

    @rule(id=ids, who=people)
    def take_out(self, id: str, who: str) -> None:
        begun = self.begun()
        may = id in begun
        if self.done(may, lambda: self.workshop.restore("rule", id, who)):
            self.draft = {key: word for key, word in begun.items() if key != id}
            self.authors.add(who)

    @rule(who=people)
    def discard(self, who: str) -> None:
        self.workshop.discard(who)
        self.draft, self.authors = None, set()

    @rule(who=people)
    def start_trial(self, who: str) -> None:
        may = (
            self.draft is not None
            and self.draft != self.versions[self.now]
            and self.on_trial() is None
        )
        if self.done(may, lambda: self.workshop.start_trial(who, "试试")):
            assert self.draft is not None
            number = len(self.versions)
            self.versions[number] = self.draft
            self.behind[number] = self.authors | {who}
            self.states[number] = "trial"
            self.draft, self.authors = None, set()

    @rule(who=people, data=st.data())
    def ask(self, who: str, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([*self.versions, 99]))
        may = self.states.get(number) == "trial"
        if self.done(may, lambda: self.workshop.ask(number, who)):
            self.states[number] = "asked"
            self.behind[number].add(who)

    @rule(who=people, data=st.data())
    def approve(self, who: str, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([*list(self.versions)[1:], 99]))
        may = self.states.get(number) == "asked" and who not in self.behind[number]
        if self.done(may, lambda: self.workshop.approve(number, who)):
            if self.now:
                self.states[self.now] = "superseded"
            self.states[number] = "in_force"
            self.was_in_force.add(number)
            self.now = number

    @rule(who=people, refuse=st.booleans())
    def end_trial(self, who: str, refuse: bool) -> None:
        number = self.on_trial() or 99
        state = self.states.get(number)
        if refuse:
            may = state == "asked" and who not in self.behind[number]
            done = self.done(may, lambda: self.workshop.refuse(number, who, "不妥"))
        else:
            done = self.done(state is not None, lambda: self.workshop.withdraw(number, who))
        if done:
            self.states[number] = "refused" if refuse else "withdrawn"
            if self.draft is None:
                stored = {one.number: one for one in self.workshop.versions()}[number]
                self.draft, self.authors = self.versions[number], set(stored.authors)

    @rule(who=people, data=st.data())
    def roll_back(self, who: str, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([*self.versions, 99]))
        may = number in self.was_in_force and number != self.now
        if self.done(may, lambda: self.workshop.roll_back(number, who, "误拦")):
            if self.now:
                self.states[self.now] = "rolled_back"
            if number:
                self.states[number] = "in_force"
            self.now = number

    @invariant()
    def it_stands_as_the_model_says(self) -> None:
        found = {one.number: one for one in self.workshop.versions()}
        assert {number: one.state for number, one in found.items()} == self.states
        for one in found.values():
            assert one.published_by not in self.behind[one.number]
        draft = self.workshop.working()
        assert (draft is None) == (self.draft is None)

    @invariant()
    def what_runs_is_what_is_in_force_and_only_records_what_is_on_trial(self) -> None:
        now = running(self.store, self.packs)
        assert now.problem is None
        gate = Gate(now.rule_set, lazy=True)
        screening = gate.screen("送您一份礼，白送一台，终身免费", "agent")
        in_force = self.versions[self.now]
        assert {(hit.rule, hit.text) for hit in screening.hits} == set(in_force.items())
        tried = self.versions[self.on_trial() or self.now]
        new = set(tried.items()) - set(in_force.items())
        assert {(hit.rule, hit.text) for hit in screening.shadow} == new

    @invariant()
    def the_audit_knows_what_runs(self) -> None:
        bodies = [msgspec.json.decode(row["body"]) for row in self.store.audit.rows()]
        changed = [body["rules"] for body in bodies if body["kind"] == "rules"]
        if changed:
            assert changed[-1] == running(self.store, self.packs).rules
        assert self.store.verify_audit().sound


TestRulesMachine = RulesMachine.TestCase
TestRulesMachine.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
