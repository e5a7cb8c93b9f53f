"""One open database and everything it keeps."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from msgspec.structs import replace

from engine.records import Draft, Hit
from engine.store.approvals import Approvals
from engine.store.audit import Audit, Head
from engine.store.audit_check import Verified, verify
from engine.store.blank import bare_draft
from engine.store.channel_keys import ChannelKeys
from engine.store.composers import Composers
from engine.store.conversations import Conversations
from engine.store.copies import back_up_daily
from engine.store.database import Database, open_database
from engine.store.decisions import Decisions
from engine.store.drafts import Drafts
from engine.store.feedback import Feedback
from engine.store.forgetting import Forgetting
from engine.store.gaps import Gaps
from engine.store.handovers import Handovers
from engine.store.history import History
from engine.store.hits import Hits
from engine.store.listing import Listing
from engine.store.missed import Missed
from engine.store.outbox import Outbox
from engine.store.reviews import Reviews
from engine.store.rows import StoredDraft
from engine.store.rule_draft import RuleDrafts
from engine.store.rule_versions import RuleVersions
from engine.store.trigger_repair import put_back


class Store:
    """The parts of the store over one database. Every write is durable when its call returns."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.audit = Audit(database)
        self.guards_put_back: tuple[str, ...] = ()
        """Triggers of SQLite's that were missing when the store was opened; they are back."""
        self.conversations = Conversations(database)
        self.drafts = Drafts(database)
        self.hits = Hits(database, self.audit)
        self.reviews = Reviews(database, self.hits, self.audit)
        self.listing = Listing(database, self.hits, self.drafts)
        self.approvals = Approvals(database, self.audit)
        self.decisions = Decisions(
            database, self.conversations, self.hits, self.audit, self.approvals
        )
        self.outbox = Outbox(database, self.audit)
        self.handovers = Handovers(database, self.conversations, self.audit)
        self.gaps = Gaps(database)
        self.missed = Missed(database)
        self.composers = Composers(database)
        self.feedback = Feedback(database, self.drafts)
        self.channel_keys = ChannelKeys(database)
        self.history = History(database)
        self.rule_draft = RuleDrafts(database)
        self.rule_versions = RuleVersions(database, self.audit, self.rule_draft)
        self.forgetting = Forgetting(
            *(database, self.audit, self.conversations, self.decisions),
            *(self.handovers, self.approvals),
        )

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    def transaction(self) -> AbstractContextManager[None]:
        """Several calls that become durable together, or not at all. Raises `StoreError`."""
        return self._database.transaction()

    def keep_draft(self, conversation: str, message: str, draft: Draft) -> StoredDraft:
        """Store `draft` for `message` with the gap or the case that it opens, all or nothing.

        Of one that was still being written when the customer's data was deleted, no word is kept.
        """
        with self.transaction():
            if self.forgetting.is_forgotten(message):
                return self.drafts.save(conversation, message, bare_draft(draft))
            saved = self.drafts.save(conversation, message, draft)
            self._keep_hits(conversation, saved)
            if draft.status == "abstained" and not draft.category:
                question = self.conversations.message(message).text
                self.gaps.add(question, conversation, draft.reason)
            elif draft.status == "handover":
                rule = next((hit.rule for hit in draft.hits if hit.action == "handover"), "")
                self.handovers.open(conversation, draft.category, rule, draft.script or "", message)
        return saved

    def _keep_hits(self, conversation: str, saved: StoredDraft) -> None:
        """The hits of what the model wrote; what was withdrawn is known by the hit alone."""
        draft, rules = saved.draft, saved.draft.release.rules
        there: list[Hit] = []
        for hit in draft.hits:
            if hit.side != "model":
                continue
            if draft.text[hit.start : hit.end] == hit.text:
                there.append(hit)
            else:
                alone = replace(hit, start=0, end=len(hit.text))
                self.hits.add_all(
                    conversation, None, hit.text, [alone], rules=rules, draft=saved.id
                )
        self.hits.add_all(conversation, None, draft.text, there, rules=rules, draft=saved.id)

    def check(self) -> list[str]:
        """What is wrong with the file, in SQLite's words; empty when it is sound."""
        return self._database.check()

    def damage(self) -> str:
        """What a quick look finds wrong with the file, "" if nothing; for any thread."""
        return self._database.damage()

    def back_up_daily(self) -> None:
        """Leave a copy beside the file, at most once a day, and the audit's head; any thread.

        A deletion that was begun is finished before.
        """
        self.forgetting.finish()
        if back_up_daily(self.path):
            self.audit.sign_off()

    def verify_audit(self, *heads: Head) -> Verified:
        """Walk the audit's chain, hold it against `heads` and the head beside the database."""
        beside = self.audit.signed_off()
        return verify(self._database, *heads, *([beside] if beside else []))

    def data_version(self) -> int:
        """A number that changes when another process has written; compare it to the last one."""
        return self._database.data_version()

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_store(path: Path, *, read_only: bool = False) -> Store:
    """Open the store at `path`; it is made, or brought to the newest form, if need be.

    A backup is left beside an older file before its form changes. Raises `StoreError`:
    `store_missing`, `store_newer`, `store_older`, `store_foreign`, `store_corrupt`,
    `store_read_only`, `store_cannot_open`, `store_migration`, `store_full`, `store_busy`,
    `store_io`.
    """
    store = Store(open_database(path, read_only=read_only))
    if not read_only:
        try:
            store.guards_put_back = put_back(store._database, store.audit)
        except BaseException:
            store.close()
            raise
    return store
