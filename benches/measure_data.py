"""`snapshot()` and `restore()`, by the size of the database."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from figures import Figure, milliseconds, timed
from setting import MIB
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from setting import Setting

SIZES = (1, 30, 300)
"""In MiB."""


def grow(database: Path, size: int) -> None:
    """Fills the database of a server that does not run with what the server does not look at."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE filler (bytes BLOB)")
        for _ in range(size):
            connection.execute("INSERT INTO filler VALUES (?)", [os.urandom(MIB)])
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def snapshots(setting: Setting) -> list[Figure]:
    """Each verb on databases of some sizes; `restore()` ends when the server is ready."""
    figures = []
    for size in SIZES[:1] if setting.quick else SIZES:
        folder = setting.fresh("data")
        kept = folder / "kept.db"
        with DevServer(db=kept):
            pass
        grow(kept, size)
        written, restored = [], []
        with DevServer(db=kept) as server:
            for number in range(setting.times(5)):
                file = folder / f"snapshot-{number}"
                written.append(timed(server.snapshot, file))
                restored.append(timed(server.restore, file))
        figures.append(milliseconds(f"snapshot of {size} MiB", written))
        figures.append(milliseconds(f"restore of {size} MiB, until ready", restored))
    return figures
