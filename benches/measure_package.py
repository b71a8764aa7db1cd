"""The package itself: how large its wheel is, and how long it takes to compile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Figure
from setting import MIB

if TYPE_CHECKING:
    from setting import Setting

ROOT = Path(__file__).parents[1]


def wheel(setting: Setting) -> list[Figure]:
    """A release build from nothing, dependencies included; their sources are there."""
    if setting.quick:
        return []
    target, out = setting.fresh("target"), setting.fresh("wheel")
    maturin = Path(sys.executable).with_name("maturin")
    words = [str(maturin), "build", "--release", "--locked", "--quiet", "--out", str(out)]
    began = time.perf_counter()
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    [made] = out.glob("*.whl")
    return [
        Figure("wheel", "MiB", [made.stat().st_size / MIB]),
        Figure("build from nothing", "s", [seconds], None, f"{os.cpu_count()} processors"),
    ]
