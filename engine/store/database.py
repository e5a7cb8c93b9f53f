"""The one place that opens the database file and speaks to SQLite.

Every SQLite error leaves here as a `StoreError` whose code says what happened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import StoreError
from engine.store.ids import ids_after
from engine.store.migrations import APPLICATION_ID, MIGRATIONS, Migration
from engine.store.text import clean

Row = dict[str, Any]
Parameters = Sequence[object] | Mapping[str, object]

_BUSY_SECONDS = 5.0
_LOG_BYTES = 8 * 1024 * 1024
_LEAST_ROOM = 64 * 1024


class Database:
    """An open database. Calls from several threads take turns; a transaction belongs to one."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside become durable together when the block ends, or none do.

        A transaction inside a transaction joins it. Raises `StoreError`.
        """
        with self._lock, translated(self.path):
            joined = self._connection.in_transaction
            if joined:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read inside is of one moment, whatever others write meanwhile."""
        with self._lock, translated(self.path):
            joined = self._connection.in_transaction
            if joined:
                yield
                return
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows that `sql` finds, as dictionaries."""
        with self._lock, translated(self.path):
            cursor = self._connection.execute(sql, _bound(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, values, strict=True)) for values in cursor]

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row that `sql` finds."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """Run a writing statement; the number of rows it changed."""
        with self._lock, translated(self.path):
            return self._connection.execute(sql, _bound(parameters)).rowcount

    def insert(self, table: str, row: Row) -> None:
        """Add `row` to `table`."""
        names = ", ".join(row)
        places = ", ".join(f":{name}" for name in row)
        self.run(f"INSERT INTO {table} ({names}) VALUES ({places})", row)

    def check(self) -> list[str]:
        """What SQLite finds wrong with the file, in its words; empty when it is sound."""
        problems = [next(iter(row.values())) for row in self.rows("PRAGMA integrity_check(20)")]
        found = [str(problem) for problem in problems if problem != "ok"]
        for row in self.rows("PRAGMA foreign_key_check"):
            found.append(f"{row['table']}: row {row['rowid']} refers to no {row['parent']}")
        return found

    def damage(self) -> str:
        """What a quick look through the whole file finds wrong, "" if nothing.

        It reads through a connection of its own, so that other threads need not wait for it.
        """
        with translated(self.path), contextlib.closing(connect(self.path, "ro")) as own:
            try:
                found = str(own.execute("PRAGMA quick_check(1)").fetchone()[0])
            except sqlite3.DatabaseError as error:
                if _code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise
                found = str(error)
        return "" if found == "ok" else found

    def rewrite(self) -> bool:
        """Write the whole file anew, so that nothing deleted is left in it or in its log.

        False where another program reads it, so that its log cannot be emptied now. Not inside a
        transaction. Raises `StoreError` (`store_busy`, `store_full`).
        """
        with self._lock, translated(self.path):
            self._connection.execute("VACUUM")
            emptied = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not emptied[0]

    def data_version(self) -> int:
        """A number that changes when another process (or connection) has written."""
        row = self.row("PRAGMA data_version")
        return int(row["data_version"]) if row else 0

    def close(self) -> None:
        """Close the file. Closing twice does nothing."""
        with self._lock, translated(self.path):
            self._connection.close()


def open_database(
    path: Path, *, read_only: bool = False, migrations: tuple[Migration, ...] = MIGRATIONS
) -> Database:
    """Open the file at `path`, made if it is not there, in the form `migrations` lead to.

    Raises `StoreError`: `store_missing`, `store_newer`, `store_older` (read-only and not yet
    migrated), `store_foreign`, `store_corrupt`, `store_read_only`, `store_cannot_open`,
    `store_migration` (a rehearsal on a copy failed; the file is as it was).
    """
    path = path.absolute()
    if read_only and not path.exists():
        raise StoreError(f"There is no database at {path}.", "store_missing", path=str(path))
    version = _peek(path, len(migrations))
    if read_only and version < len(migrations):
        raise StoreError(
            f"The database {path} is of an older version and must be opened for writing once.",
            "store_older",
            path=str(path),
        )
    if not read_only:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_open(path, error) from error
    connection = connect(path, "ro" if read_only else "rwc")
    try:
        with translated(path):
            connection.execute("PRAGMA foreign_keys = ON")
            if not read_only:
                if not os.access(path, os.W_OK):
                    # SQLite would open it all the same, and refuse the first decision.
                    raise _read_only(path)
                _prepare(connection, path, migrations)
    except BaseException:
        connection.close()
        raise
    database = Database(connection, path)
    if not read_only:
        for table in ("messages", "drafts", "decisions"):
            newest = database.row(f"SELECT max(id) AS id FROM {table}")
            ids_after(str(newest["id"] or "") if newest else "")
    return database


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside the block into `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(error, path) from error


def _prepare(connection: sqlite3.Connection, path: Path, migrations: tuple[Migration, ...]) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten with zeros at once, not when the place is next needed.
    connection.execute("PRAGMA secure_delete = ON")
    # A log that grew is cut down to this once it is in the database.
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated since the version was read; none does from now on.
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if 0 < version < len(migrations):
            with contextlib.closing(connect(path, "ro")) as own:
                backup = back_up(own, path.with_name(f"{path.name}.v{version}.bak"))
            _rehearse(backup, path, version, migrations)
        _migrate(connection, version, migrations)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _migrate(
    connection: sqlite3.Connection, version: int, migrations: tuple[Migration, ...]
) -> None:
    if version >= len(migrations):
        return
    # Here: it takes longer to load than a file that is in its form takes to open.
    from engine.store.sqlite import Database as SqliteDatabase

    database = SqliteDatabase(connection, execute_plugins=False, recursive_triggers=False)
    for number, migration in enumerate(migrations[version:], version + 1):
        migration(database)
        connection.execute(f"PRAGMA user_version = {number}")


def _rehearse(backup: Path, path: Path, version: int, migrations: tuple[Migration, ...]) -> None:
    """Migrate a copy first and look at what came of it; the database itself is not touched."""
    stage = backup.with_name(f"{path.name}.rehearsal")
    try:
        shutil.copyfile(backup, stage)
        with contextlib.closing(sqlite3.connect(stage, isolation_level=None)) as copy:
            copy.execute("PRAGMA foreign_keys = ON")
            copy.execute("BEGIN")
            _migrate(copy, version, migrations)
            copy.execute("COMMIT")
            wrong = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(1)")]
            orphans = copy.execute("PRAGMA foreign_key_check").fetchall()
        if wrong != ["ok"] or orphans:
            raise sqlite3.DatabaseError(wrong[0] if wrong != ["ok"] else "orphaned rows")
    except OSError as error:
        raise cannot_open(stage, error) from error
    except sqlite3.Error as error:
        if _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise
        raise StoreError(
            f"The database {path} could not be brought to this program's form ({error}). It was "
            f"not changed; a copy of it is in {backup.name}.",
            "store_migration",
            path=str(path),
            backup=backup.name,
        ) from error
    finally:
        stage.unlink(missing_ok=True)


def _peek(path: Path, known: int) -> int:
    """The version of the file at `path`, read without touching it; 0 when there is none yet."""
    try:
        if not path.exists():
            return 0
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.stat().st_size == 0:
            return 0
    except OSError as error:
        raise cannot_open(path, error) from error
    connection = connect(path, "ro")
    try:
        with translated(path):
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
            tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    finally:
        connection.close()
    if owner != APPLICATION_ID and (owner or version or tables):
        raise StoreError(
            f"{path} is another program's database. Nothing was changed; name another data folder.",
            "store_foreign",
            path=str(path),
        )
    if version > known:
        raise StoreError(
            f"The database {path} was written by a newer Zuoxi (version {version}, this one knows "
            f"{known}). Nothing was changed; install the newer program.",
            "store_newer",
            path=str(path),
            version=version,
            known=known,
        )
    return version


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection to the file at `path`; `mode` as in SQLite's URIs. Raises `StoreError`."""
    with translated(path):
        return sqlite3.connect(
            f"{path.as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )


def back_up(connection: sqlite3.Connection, target: Path) -> Path:
    """Copy the database into `target`; an unfinished copy never counts. Raises `StoreError`."""
    scratch = target.with_name(target.name + ".tmp")
    try:
        scratch.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(scratch)) as copy:
            connection.backup(copy)
        scratch.replace(target)
    except OSError as error:
        raise cannot_open(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
    return target


def _bound(parameters: Parameters) -> Parameters:
    if isinstance(parameters, Mapping):
        return {name: _clean(value) for name, value in parameters.items()}
    return [_clean(value) for value in parameters]


def _clean(value: object) -> object:
    return clean(value) if isinstance(value, str) else value


def cannot_open(path: Path, error: OSError) -> StoreError:
    """What the system's refusal of a path is told as."""
    return StoreError(
        f"{path} cannot be opened ({error.strerror}). Check the path and the rights on it.",
        "store_cannot_open",
        path=str(path),
    )


def _read_only(path: Path) -> StoreError:
    return StoreError(
        f"The database {path} may not be written; check the rights on it. What was stored before "
        "is kept.",
        "store_read_only",
        path=str(path),
    )


_EXPLANATIONS = {
    sqlite3.SQLITE_CORRUPT: ("store_corrupt", "is damaged; put back a backup of it"),
    sqlite3.SQLITE_NOTADB: ("store_corrupt", "is no database; put back a backup of it"),
    sqlite3.SQLITE_FULL: ("store_full", "could not grow: the disk is full; free some space"),
    sqlite3.SQLITE_READONLY: ("store_read_only", "may not be written; check the rights on it"),
    sqlite3.SQLITE_BUSY: ("store_busy", "is in use by another program; try again"),
    sqlite3.SQLITE_LOCKED: ("store_busy", "is in use by another program; try again"),
    sqlite3.SQLITE_CANTOPEN: ("store_cannot_open", "cannot be opened; check the path"),
    sqlite3.SQLITE_PERM: ("store_cannot_open", "cannot be opened; check the rights on it"),
    sqlite3.SQLITE_IOERR: ("store_io", "cannot be read or written; check the disk"),
}


def _explained(error: sqlite3.Error, path: Path) -> StoreError:
    # The low byte is the primary code; the rest says which kind of it.
    number = _code(error)
    if number in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _no_room(path):
        # So SQLite says it where its log's index, or a new file, finds no room.
        number = sqlite3.SQLITE_FULL
    code, what = _EXPLANATIONS.get(number, ("store", ""))
    if not what:
        # SQLite's own words may quote a statement, never a value.
        what = f"failed: {error}"
    return StoreError(
        f"The database {path} {what}. What was stored before is kept.", code, path=str(path)
    )


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary code for an error; -1 when Python found it."""
    number = int(getattr(error, "sqlite_errorcode", -1))
    return number & 0xFF if number >= 0 else -1


def _no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LEAST_ROOM
    except OSError:
        return False
