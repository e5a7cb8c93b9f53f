"""Pages that are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct
from PySide6.QtCore import QSettings

from desktop.background import Background
from desktop.theme import Look
from engine.paths import DataFolder
from engine.redline.gate import Gate
from engine.settings import Settings
from engine.store.store import Store

if TYPE_CHECKING:
    from desktop.bridge import EngineBridge
    from desktop.pages.knowledge import KnowledgePage
    from desktop.pages.review import ReviewPage
    from desktop.pages.workshop import WorkshopPage
    from desktop.session.importing import Importing
    from desktop.session.rules_in_force import RulesInForce

# What the pages import, the innermost first, in pieces of some milliseconds.
_PIECES: Final = (
    "desktop.widgets.review_delegate",
    "desktop.widgets.review_card",
    "desktop.widgets.review_filters",
    "desktop.widgets.review_side",
    "desktop.pages.review_columns",
    "desktop.session.review_session",
    "desktop.widgets.workshop_fields",
    "desktop.session.forgetting",
    "desktop.pages.review",
    "desktop.widgets.wordings_panel",
    "desktop.pages.wordings",
    "desktop.widgets.sifted_list",
    "desktop.widgets.document_card",
    "desktop.widgets.import_card",
    "desktop.pages.documents",
    "desktop.widgets.gap_card",
    "desktop.pages.gaps",
    "desktop.pages.knowledge",
    "engine.workshop.workshop",
    "desktop.widgets.workshop_values",
    "desktop.widgets.workshop_list",
    "desktop.widgets.workshop_history",
    "desktop.session.workshop_source",
    "desktop.session.workshop_session",
    "desktop.widgets.workshop_form",
    "desktop.widgets.workshop_rule",
    "desktop.widgets.workshop_replay",
    "desktop.pages.workshop",
    "desktop.pages.settings",
)

FurtherPage = Literal["knowledge", "review", "workshop"]


class Behind(Struct, frozen=True):
    """What pages rest on. `rules` are told of what is published and tell of what changed,
    `forgotten` is called after a deletion, `memory` keeps how a page was left, `settings` tells
    those in use, `open_conversation` opens one on the desk, `today` gives the ISO date by which
    knowledge is valid."""

    background: Background
    store: Store
    gate: Gate
    folder: DataFolder
    rules: RulesInForce
    importing: Importing
    bridge: EngineBridge
    show_page: Callable[[str], None]
    open_conversation: Callable[[str], None]
    forgotten: Callable[[], None]
    memory: QSettings
    settings: Callable[[], Settings]
    today: Callable[[], str]
    clock: Callable[[], float]


def load() -> Iterator[None]:
    """Import what the pages need, a piece with each step."""
    for name in _PIECES:
        import_module(name)
        yield


def make(
    name: FurtherPage, look: Look, behind: Behind
) -> KnowledgePage | ReviewPage | WorkshopPage:
    """A page by its name."""
    background, store, memory = behind.background, behind.store, behind.memory
    settings, clock, rules, gate = behind.settings, behind.clock, behind.rules, behind.gate
    if name == "knowledge":
        from desktop.pages.knowledge import KnowledgePage

        page = KnowledgePage(
            look,
            background,
            store,
            behind.folder.knowledge,
            behind.importing,
            behind.bridge,
            behind.today,
            memory,
            clock,
        )
        page.conversation_requested.connect(lambda _: behind.show_page("desk"))
        page.conversation_requested.connect(behind.open_conversation)
        return page
    if name == "workshop":
        from desktop.pages.workshop import WorkshopPage
        from desktop.session.workshop_session import WorkshopSession
        from desktop.session.workshop_source import WorkshopSource

        source = WorkshopSource(store, rules.packs)
        work = WorkshopSession(
            background, source, lambda: settings().agent, lambda: settings().language
        )
        made = WorkshopPage(look, work, memory, clock)
        work.setParent(made)
        made.published.connect(rules.look)
        rules.changed.connect(made.refresh)
        return made
    from desktop.pages.review import ReviewPage
    from desktop.session.forgetting import Forgetting
    from desktop.session.review_session import ReviewSession

    def rule_names() -> dict[str, str]:
        language = settings().language
        rules = gate.rule_set.rules
        return {rule.id: rule.name.of(language) for rule in rules}

    categories = sorted({rule.category for rule in gate.rule_set.rules})
    session = ReviewSession(background, store, lambda: settings().agent)
    forgetting = Forgetting(background, store, behind.folder, lambda: settings().agent)
    review = ReviewPage(look, session, forgetting, rule_names, categories, memory, clock)
    forgetting.done.connect(lambda _: behind.forgotten())
    session.setParent(review)
    forgetting.setParent(review)
    return review
