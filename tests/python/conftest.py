"""Every test in directories of its own, and after every test: nothing is left.

`TEMPORAL_DEVSERVER_STATE_DIR` and `TMPDIR` are fresh for each test; the cache is shared, for the
template of an executable costs half a second.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from compat.versions import NEWEST, executable
from download_support import Service, serving
from oracle import Oracle
from pytest_support import Suite
from support import Sandbox, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]

# A shell without job control starts what runs in its background with Ctrl-C ignored, and `nohup`
# everything with hang-ups ignored; every child of a test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache that all tests share."""
    tmp_path_factory.getbasetemp()  # decided before any test has a TMPDIR of its own
    path = Path(tempfile.mkdtemp(prefix="tdc-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[Sandbox]:
    """Directories of this test alone; checks afterwards that nothing is left in them."""
    root = Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))
    box = Sandbox(root)
    for variable in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("TEMPORAL_DEVSERVER_STATE_DIR", str(box.state))
    monkeypatch.setenv("TEMPORAL_DEVSERVER_CACHE_DIR", str(cache))
    monkeypatch.setenv("TEMPORAL_DEVSERVER_OFFLINE", "1")  # tests talk to loopback only
    monkeypatch.setenv("TMPDIR", str(box.tmp))
    monkeypatch.setattr(tempfile, "tempdir", None)
    oracle = Oracle(box)
    try:
        yield box
        eventually("nothing is left", lambda: not oracle.leaks(), says=oracle.leaks)
    finally:
        zombies.extend(oracle.zombies())
        box.kill_all()
        shutil.rmtree(root, ignore_errors=True)


zombies: list[int] = []
"""The dead that nobody has reaped: a matter of the machine's init, so reported and no failure."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Reports what the oracle saw and nobody has to mend."""
    if zombies:
        terminalreporter.write_line(
            f"{len(zombies)} zombies were left to an init that does not reap"
        )


@pytest.fixture(scope="session")
def _fake(cache: Path) -> Path:
    path = ROOT / "target/debug/examples/fake_temporal"
    if not path.exists():
        pytest.fail("there is no fake server; run `make test-rust` first")
    warm_up(path, cache)
    return path


@pytest.fixture
def fake_temporal(_fake: Path, sandbox: Sandbox) -> Path:  # noqa: ARG001  # after its variables
    """The fake server; its template is there already, so that a fault hits the server itself."""
    return _fake


@pytest.fixture(scope="session")
def _temporal(cache: Path, _sdk: None) -> Callable[[str], Path]:
    @functools.cache
    def temporal(version: str) -> Path:
        path = executable(version)
        if not path.exists():
            problem = f"temporal {version} is not installed; `make setup` does it"
            if os.environ.get("TEMPORAL_DEVSERVER_REQUIRE_REAL_SERVER") == "1":
                pytest.fail(problem)
            pytest.skip(problem)
        warm_up(path, cache)
        return path

    return temporal


@pytest.fixture
def temporal(_temporal: Callable[[str], Path], sandbox: Sandbox) -> Callable[[str], Path]:  # noqa: ARG001  # after its variables
    """Returns the real server of a version."""
    return _temporal


@pytest.fixture(scope="session")
def _sdk() -> None:
    """The runtime of the SDK: its threads and descriptors stay; they are no leak of a test."""
    from temporalio.runtime import Runtime

    Runtime.default()


@pytest.fixture
def real_temporal(temporal: Callable[[str], Path]) -> Path:
    """The real server."""
    return temporal(NEWEST)


@pytest.fixture
def store(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store of downloaded executables for this test alone."""
    cache = sandbox.root / "cache"
    monkeypatch.setenv("TEMPORAL_DEVSERVER_CACHE_DIR", str(cache))
    return cache / "executables"


@pytest.fixture
def service(store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:  # noqa: ARG001
    """A download service that is asked in the place of Temporal's."""
    monkeypatch.delenv("TEMPORAL_DEVSERVER_OFFLINE")
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serving() as service:
        monkeypatch.setenv("TEMPORAL_DEVSERVER_DOWNLOAD_URL", service.url)
        yield service


@pytest.fixture
def suite(fake_temporal: Path, _sdk: None, pytester: pytest.Pytester) -> Suite:
    """A project whose tests run with the fake server."""
    return Suite(pytester, fake_temporal)


@pytest.fixture
def real_suite(real_temporal: Path, pytester: pytest.Pytester) -> Suite:
    """A project whose tests run with the real server."""
    return Suite(pytester, real_temporal)


def warm_up(executable: Path, cache: Path) -> None:
    """Has the template of an executable built."""
    from temporal_devserver import DevServer

    with pytest.MonkeyPatch.context() as patch:
        root = Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))
        patch.setenv("TEMPORAL_DEVSERVER_STATE_DIR", str(root))
        patch.setenv("TEMPORAL_DEVSERVER_CACHE_DIR", str(cache))
        patch.delenv("FAKE_TEMPORAL", raising=False)
        with DevServer(executable=executable):
            pass
        shutil.rmtree(root)
