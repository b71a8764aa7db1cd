"""The namespaces that a run creates on an existing server, and their deletion at its end.

The server itself keeps the list: each namespace carries the id of its run, and the time after which
any later run may delete it. So the list is complete after an interrupt, after the crash of a worker
of pytest-xdist, and, for the next run, after a kill of the whole run.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from .. import _aside, _clock, _timer
from .._errors import ExternalServerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from temporalio.client import Client

    from .settings import Settings

RUN = "temporal-devserver.run"
"""Key of a namespace's data: the id of the run that created it."""

EXPIRES = "temporal-devserver.expires"
"""Key of a namespace's data: seconds since 1970 after which any run may delete it."""

LIFETIME = 7 * 86_400.0
"""Seconds until a namespace expires that its own run could not delete. No run takes so long."""

AT_ONCE = 8
"""Deletions under way at once."""

LIST_SECONDS = 15.0
"""How long the server may take to list its namespaces."""

DELETE_SECONDS = 30.0
"""How long the deletions may take in all, besides `EACH_SECONDS` for each of them."""

EACH_SECONDS = 1.0
"""A plain server on two cores needs about 0.1 s for one (`make bench`)."""

KEY = "temporal_namespaces"
"""Where pytest-xdist carries the id of the run to a worker, and the names back."""


class Cleanup:
    """Marks what the run creates, and deletes it at the end: a plugin of pytest."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self._settings = settings
        self._workeroutput: dict[str, Any] | None = getattr(config, "workeroutput", None)
        given: dict[str, Any] = getattr(config, "workerinput", {})
        self._run: str = given.get(KEY) or secrets.token_hex(8)
        self._names: set[str] = set()
        self._has_begun = False
        """Whether this process has asked for a namespace, although none may have come of it."""
        self._unheard: set[object] = set()
        """Workers of pytest-xdist that have not said which namespaces they created."""
        self._report: list[str] = []

    def mark(self) -> dict[str, str]:
        """Returns the data of a namespace that is about to be created."""
        self._has_begun = True
        lifetime = self._settings.keep or LIFETIME
        return {RUN: self._run, EXPIRES: f"{_clock.unix_now() + lifetime:.0f}"}

    def created(self, name: str) -> None:
        """Notes a namespace, for a server that does not list its namespaces."""
        self._names.add(name)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401  # one of pytest-xdist
        """Gives a worker the id of the run."""
        node.workerinput[KEY] = self._run
        self._unheard.add(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401
        """Takes the names from a worker that ended; a worker that crashed has none to give."""
        told = getattr(node, "workeroutput", {}).get(KEY)
        if told is not None:
            has_begun, names = told
            self._has_begun |= has_begun
            self._names.update(names)
            self._unheard.discard(node)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Deletes what the run created, after all of its workers have ended."""
        if self._workeroutput is not None:
            self._workeroutput[KEY] = [self._has_begun, sorted(self._names)]
        elif not self._settings.keep and (self._has_begun or self._unheard):
            self._report = self._delete()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Names what could not be deleted."""
        for line in self._report:
            terminalreporter.write_line(line)

    def _delete(self) -> list[str]:
        """Deletes the namespaces; returns what to report."""
        from .external import connected

        try:
            client = connected(self._settings)
            problem, found = _aside.run(_marked(client, self._run, self._names), LIST_SECONDS)
            limit = DELETE_SECONDS + EACH_SECONDS * len(found)
            left = _aside.run(_deleted(client, found, limit))
        except ImportError:  # without the SDK no worker has created any
            return []
        except (ExternalServerError, asyncio.TimeoutError) as error:
            problem = str(error) or "the server does not list its namespaces in time"
            left = dict.fromkeys(sorted(self._names), problem)
        return _lines(left, problem if self._unheard else "")


def _lines(left: Mapping[str, str], problem: str) -> list[str]:
    """Returns the report on namespaces that are left, each with its problem.

    Args:
        left: The problem by name.
        problem: Why there may be more of them, of workers that crashed; empty: there are none.
    """
    lines = []
    if problem:
        lines.append(f"temporal: namespaces of workers that crashed may be left ({problem})")
    by_problem = defaultdict(list)
    for name, why in left.items():
        by_problem[why].append(name)
    for why, names in by_problem.items():
        lines.append(f"temporal: namespaces that could not be deleted ({why}): {' '.join(names)}")
    if lines:
        lines.append("temporal: delete them with `temporal operator namespace delete NAME`")
    return lines


async def _marked(client: Client, run: str, names: Iterable[str]) -> tuple[str, set[str]]:
    """Returns the namespaces to delete, and why these are only the given names, if so."""
    from temporalio.api.enums.v1 import NamespaceState
    from temporalio.api.workflowservice.v1 import ListNamespacesRequest
    from temporalio.service import RPCError

    found: set[str] = set()
    request = ListNamespacesRequest(page_size=100)
    while True:
        try:
            page = await client.workflow_service.list_namespaces(request, retry=True)
        except RPCError as error:
            return str(error), set(names)
        for namespace in page.namespaces:
            info = namespace.namespace_info
            is_ours = info.data.get(RUN) == run or _is_over(info.data.get(EXPIRES))
            if is_ours and info.state != NamespaceState.NAMESPACE_STATE_DELETED:
                found.add(info.name)
        if not page.next_page_token:
            return "", found
        request.next_page_token = page.next_page_token


def _is_over(expires: str | None) -> bool:
    return expires is not None and expires.isdecimal() and int(expires) < _clock.unix_now()


async def _deleted(client: Client, names: Iterable[str], seconds: float) -> dict[str, str]:
    """Deletes namespaces; returns those that are left, each with its problem."""
    left = dict.fromkeys(sorted(names), "there was no time left for it")
    turns = asyncio.Semaphore(AT_ONCE)

    async def delete(name: str) -> None:
        from temporalio.api.operatorservice.v1 import DeleteNamespaceRequest
        from temporalio.service import RPCError, RPCStatusCode

        async with turns:
            try:
                request = DeleteNamespaceRequest(namespace=name)
                await client.operator_service.delete_namespace(request, retry=True)
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    left[name] = str(error)
                    return
            del left[name]

    async def delete_all() -> None:
        await asyncio.gather(*[delete(name) for name in left], return_exceptions=True)

    with contextlib.suppress(asyncio.TimeoutError):
        await _timer.limited(delete_all(), seconds)
    return left
