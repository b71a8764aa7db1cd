"""Tries every version on every other's database, and writes the table of `docs/compatibility.md`.

Servers are run by hand, so that what is seen is the server's doing; then our own is asked what it
does about it.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from pathlib import Path

from temporalio.runtime import (
    LoggingConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from compat.by_hand import by_hand, columns, fold
from compat.versions import ROOT, VERSIONS, executable
from compat.world import check, make
from temporal_devserver import DatabaseError, DevServer

PAGE = ROOT / "docs/compatibility.md"
MARK = "<!-- made by `make compat` -->\n"
HEAD = (
    "| made by | opened by | it lacks | then fails | and back again | temporal-devserver |\n"
    "| --- | --- | --- | --- | --- | --- |\n"
)


async def fill(maker: str, database: Path) -> bool:
    """Makes the database of a version; tells whether there is an activity alone in it."""
    async with by_hand(maker, database) as client:
        has_activity = await asyncio.wait_for(make(client), 60)
    fold(database)
    return has_activity


async def opened(version: str, database: Path, way: str, *, has_activity: bool) -> dict[str, str]:
    """Has a version open a database; returns what does not work."""
    try:
        async with by_hand(version, database) as client:
            wrong = await check(client, way, has_activity=has_activity)
    except RuntimeError as error:
        wrong = {"everything": str(error)}
    fold(database)
    return wrong


def lacks(made: Path, own: Path) -> str:
    """Returns what a database lacks of another."""
    ours, theirs = columns(made), columns(own)
    tables = sorted(theirs.keys() - ours.keys())
    number = sum(len(theirs[table] - ours[table]) for table in theirs.keys() & ours.keys())
    parts = [f"table `{table}`" for table in tables] + [f"{number} columns"] * bool(number)
    return ", ".join(parts) or "nothing"


def ours(version: str, database: Path) -> str:
    """Returns what a server of ours says to a database."""
    server = DevServer(executable=executable(version), db=database)
    try:
        with server:
            ready = next(event for event in server.events(("", 0)) if event.kind == "ready")
    except DatabaseError:
        return "refuses"
    return "warns" if ready.data["warning"] else "opens it"


def beyond(wrong: dict[str, str], alone: dict[str, str]) -> str:
    """Returns what does not work and would on a database of that version's own."""
    return ", ".join(what for what in wrong if what not in alone) or "nothing"


async def rows(folder: Path) -> list[str]:
    """Tries all pairs; returns the rows of the table."""
    alone: dict[str, dict[str, dict[str, str]]] = {}
    activities: dict[str, bool] = {}
    for version in VERSIONS:
        own = folder / f"{version}-own.db"
        has = activities[version] = await fill(version, folder / f"{version}.db")
        shutil.copy(folder / f"{version}.db", own)
        alone[version] = {
            way: await opened(version, own, way, has_activity=has) for way in ("there", "back")
        }
        print(version, "on its own database cannot:", alone[version], flush=True)
    found = []
    for maker, opener in itertools.permutations(VERSIONS, 2):
        made, database = folder / f"{maker}.db", folder / f"{maker}-{opener}.db"
        has = activities[maker]
        told = await asyncio.to_thread(ours, opener, Path(shutil.copy(made, database)))
        shutil.copy(made, database)
        wrong = await opened(opener, database, "there", has_activity=has)
        there = beyond(wrong, alone[opener]["there"])
        wrong = await opened(maker, database, "back", has_activity=has)
        back = beyond(wrong, alone[maker]["back"])
        lacking = lacks(made, folder / f"{opener}.db")
        found.append(f"| {maker} | {opener} | {lacking} | {there} | {back} | {told} |\n")
        print(found[-1], end="", flush=True)
    return found


def main() -> None:
    """Writes the table."""
    quiet = TelemetryFilter(core_level="OFF", other_level="OFF")
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=quiet))))
    with tempfile.TemporaryDirectory(prefix="compat-") as folder:
        table = asyncio.run(rows(Path(folder)))
    before, _, rest = PAGE.read_text().partition(MARK)
    _, _, after = rest.partition(MARK)
    PAGE.write_text(before + MARK + HEAD + "".join(table) + MARK + after)


if __name__ == "__main__":
    main()
