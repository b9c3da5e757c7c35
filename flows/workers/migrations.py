"""Whether Prefect's database is as this version of Prefect makes it.

Prefect's server looks for migrations at every start, for which it loads all that it ever had. This
module is for the server's process: it imports Prefect.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import prefect
from prefect.settings import (
    PREFECT_API_DATABASE_CONNECTION_URL,
    PREFECT_API_DATABASE_MIGRATE_ON_START,
    temporary_settings,
)
from sqlalchemy import make_url


@contextmanager
def left_out_if_done() -> Iterator[None]:
    """Have no server look for migrations, where :func:`note` was last called for this state."""
    database = _file()
    if database is None or not _are_done(database):
        yield
        return
    with temporary_settings({PREFECT_API_DATABASE_MIGRATE_ON_START: False}):
        yield


def note() -> None:
    """Note that a server of this version serves the database as it is now."""
    database = _file()
    if database is not None:
        with suppress(OSError, sqlite3.Error):
            _note(database).write_text(json.dumps(_state(database)), "utf-8")


def _file() -> Path | None:
    """The database that Prefect is configured to use, if it is a file."""
    url = make_url(str(PREFECT_API_DATABASE_CONNECTION_URL.value()))
    if url.get_backend_name() != "sqlite" or url.query or not url.database:
        return None
    file = Path(url.database)
    return file if file.is_file() else None


def _are_done(database: Path) -> bool:
    with suppress(OSError, ValueError, sqlite3.Error):
        return bool(json.loads(_note(database).read_text("utf-8")) == _state(database))
    return False


def _note(database: Path) -> Path:
    return database.with_name(f"{database.name}.callaudit.json")


def _state(database: Path) -> dict[str, object]:
    """Prefect's version, and what it has made of the database."""
    address = f"{database.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=1)) as connection:
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        (schema,) = connection.execute("PRAGMA schema_version").fetchone()
    names = sorted(name for (name,) in revisions)
    return {"prefect": prefect.__version__, "revisions": names, "schema": schema}
