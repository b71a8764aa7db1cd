"""`ui=True` opens in a real browser, on the same address after a crash, with the same workflows."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from temporalio.worker import Worker

from browser_support import Browser, installed
from flows import Steps, double
from support import eventually
from temporal_devserver import DevServer

if TYPE_CHECKING:
    from pathlib import Path

    from temporalio.client import Client

    from support import Sandbox

REQUIRED = os.environ.get("TEMPORAL_DEVSERVER_REQUIRE_BROWSER") == "1"
SECONDS = 20.0
"""Within which the page shows what it was opened for."""


@pytest.fixture(scope="module")
def browser_path() -> str:
    path = installed()
    if not path:
        missing = "there is no browser here; `make test-browser` installs one"
        (pytest.fail if REQUIRED else pytest.skip)(missing)
    return path


async def run(client: Client, identity: str) -> None:
    async with Worker(client, task_queue="ui", workflows=[Steps], activities=[double]):
        assert await client.execute_workflow(Steps.run, args=[1, 0], id=identity, task_queue="ui")


def answering(url: str) -> str:
    """Returns the URL of an interface that has found its server, which it tries once a second."""

    def answers() -> bool:
        with contextlib.suppress(OSError), urlopen(f"{url}/api/v1/namespaces", timeout=1) as told:
            return bool(told.status == HTTPStatus.OK)
        return False

    eventually("the web interface has found its server", answers)
    return url


@pytest.mark.long
@pytest.mark.real_server
def test_page(real_temporal: Path, browser_path: str, sandbox: Sandbox) -> None:
    with (
        DevServer(executable=real_temporal, ui=True) as server,
        Browser(browser_path, sandbox.root / "browser") as browser,
    ):
        url, pid = server.ui_url, server.status().pid
        assert url is not None
        assert pid is not None
        asyncio.run(run(server.connect(), "order-before"))
        page = browser.open(answering(url))
        eventually("it shows", lambda: "order-before" in page.text(), SECONDS, says=page.text)

        os.kill(pid, signal.SIGKILL)
        eventually("another server is ready", lambda: server.wait_ready(SECONDS).pid != pid)
        assert server.ui_url == url
        asyncio.run(run(server.connect(), "order-after"))
        page = browser.open(answering(url))
        both = {"order-before", "order-after"}
        eventually("it shows", lambda: both <= {*page.text().split()}, SECONDS, says=page.text)
