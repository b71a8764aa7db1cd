"""The modules of `benches/`, for the tests of what they compute."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "benches", ROOT / "examples")


@contextmanager
def bench(name: str) -> Iterator[ModuleType]:
    """Imports a module as `python benches/...` does, for the time of a block."""
    before = {*sys.modules}, [*sys.path]
    sys.path[:0] = map(str, FOLDERS)
    try:
        yield importlib.import_module(name)
    finally:
        sys.path[:] = before[1]
        for added in {*sys.modules} - before[0]:
            origin = getattr(sys.modules[added], "__file__", None) or ""
            if Path(origin).parent in FOLDERS:
                del sys.modules[added]
