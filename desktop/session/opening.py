"""Taking a data folder: the lock, the settings, the store and the rules, or words why not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from PySide6.QtCore import QLockFile

from desktop.session.sample import Sample, read_sample
from engine import settings as settings_file
from engine.errors import InputError, StoreError, ZuoxiError
from engine.paths import DataFolder
from engine.records import Language
from engine.redline.gate import Gate
from engine.settings import Settings
from engine.store.salvage import noted_damage, salvage
from engine.store.store import Store, open_store
from engine.texts import text
from engine.workshop.running import running

_LOCK: Final = "desk.lock"
_LEAST_ROOM: Final = 64 * 1024


class Opened(Struct, frozen=True):
    """A data folder that is this process's own until `close`, with the packs in `rules`.

    `complaint` is what was wrong with the settings, so that the defaults are used, or with lines of
    the sample's script, so that they are not played; `broken_rules` tells of a version of the rules
    that does not load, so that a former one is used.
    """

    lock: QLockFile
    settings: Settings
    store: Store
    gate: Gate
    rules: Path
    sample: Sample | None = None
    complaint: ZuoxiError | None = None
    broken_rules: ZuoxiError | None = None

    def close(self) -> None:
        """Close the store and let others have the folder."""
        self.store.close()
        self.lock.unlock()


def open_folder(folder: DataFolder, sample: bool | Sample, rules: Path) -> Opened:
    """Take `folder`, with the sample that ships (True) or another one.

    Raises `ZuoxiError`: the store's errors, `desk_running`, `desk_folder`, `desk_no_room`,
    `sample_missing`, `rules_invalid`; then nothing is left open.
    """
    lock = _lock(folder)
    try:
        company = read_sample() if sample is True else sample or None
        settings, complaint = _settings(folder, company)
        if (damage := noted_damage(folder.database)) is not None:
            raise damage
        store = open_store(folder.database)
        try:
            in_force = running(store, rules)
            gate = Gate(in_force.rule_set, lazy=True)
        except BaseException:
            store.close()
            raise
    except BaseException:
        lock.unlock()
        raise
    complaint = complaint or (company.trouble if company else None)
    return Opened(lock, settings, store, gate, rules, company, complaint, in_force.problem)


def save_what_can_be_read(folder: DataFolder, language: Language) -> str:
    """Put a new database in the place of a damaged one; what was saved, in words.

    Raises `ZuoxiError`: `desk_running`, and those of `engine.store.salvage.salvage`.
    """
    lock = _lock(folder)
    try:
        saved = salvage(folder.database)
    finally:
        lock.unlock()
    return text(
        "store.salvage.from_backup" if saved.backup else "store.salvage.done",
        language,
        conversations=saved.rows.get("conversations", 0),
        messages=saved.messages,
        decisions=saved.rows.get("decisions", 0),
        gaps=saved.gaps,
        aside=saved.aside.name,
        backup=saved.backup,
    )


def check_display() -> None:
    """Raise `ZuoxiError` (`no_display`) where Qt would end the process: there is no display."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        raise ZuoxiError(
            "There is no display, so the window cannot open. "
            "Run `zuoxi demo --headless` to see it work without one.",
            "no_display",
        )


def language_of(folder: DataFolder) -> Language:
    """The language to speak before anything is open."""
    try:
        return settings_file.load(folder).language
    except ZuoxiError:
        return "zh"


def _settings(folder: DataFolder, sample: Sample | None) -> tuple[Settings, ZuoxiError | None]:
    """The settings; the sample's own voice where nothing was ever set; what is wrong with them."""
    try:
        settings = settings_file.load(folder)
    except InputError as error:
        return Settings(), error
    if sample is not None and not folder.settings.exists():
        company = sample.company
        agent = company.agent.of(settings.language)
        settings = replace(settings, style=company.style, agent=agent)
        try:
            settings_file.save(folder, settings)
        except InputError as error:
            # They hold for today, and are set again at the next start.
            return settings, error
    return settings, None


def _lock(folder: DataFolder) -> QLockFile:
    """Take the data folder for this desk. Raises `ZuoxiError`."""
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_folder(folder, error.strerror or type(error).__name__) from error
    lock = QLockFile(str(folder.root / _LOCK))
    lock.setStaleLockTime(0)
    if lock.tryLock(0):
        return lock
    if lock.error() == QLockFile.LockError.LockFailedError:
        pid = lock.getLockInfo()[0]
        raise StoreError(
            f"Another Zuoxi window (process {pid}) is using this data folder. Switch to it, or "
            "name another data folder.",
            "desk_running",
            pid=pid,
        )
    if shutil.disk_usage(folder.root).free < _LEAST_ROOM:
        raise StoreError(
            f"The disk is full, so the data folder {folder.root} cannot be used. Nothing was "
            "changed; free some space and try again.",
            "desk_no_room",
            folder=str(folder.root),
        )
    raise _no_folder(folder, lock.error().name)


def _no_folder(folder: DataFolder, why: str) -> ZuoxiError:
    return StoreError(
        f"The data folder {folder.root} cannot be written ({why}). Nothing was changed.",
        "desk_folder",
        folder=str(folder.root),
        why=why,
    )
