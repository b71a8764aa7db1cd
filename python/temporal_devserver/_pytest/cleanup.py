"""The namespaces that a run creates on an existing server, and their deletion at its end.

The server itself keeps the list: the data of each namespace has a lease of every run that uses it
(`temporal-devserver.run.<id>`) and the time at which the lease expires. So the list is complete
after an interrupt and after the crash of a worker of pytest-xdist. After a kill of the whole run it
is complete for later runs. A run deletes only what has such leases, and only where no other run's
lease is valid. It reads them again right before each deletion.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from .. import _aside, _clock, _timer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from temporalio.api.workflowservice.v1 import DescribeNamespaceResponse
    from temporalio.client import Client

    from .settings import Settings

LEASE = "temporal-devserver.run."
"""How the key of a lease begins in the data of a namespace; the id of the run follows."""

LIFETIME = 7 * 86_400.0
"""Seconds until the lease of a run expires that did not end it itself. No run takes so long."""

AT_ONCE = 8
"""Deletions under way at once."""

LIST_SECONDS = 15.0
"""How long the server may take to list its namespaces."""

END_SECONDS = 30.0
"""How long the deletions may take in all, besides `EACH_SECONDS` for each of them."""

EACH_SECONDS = 1.0
"""More than a plain server on two cores needs for one."""

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
        """Namespaces that were asked for, although none may have come of it."""
        self._unheard: set[object] = set()
        """Workers of pytest-xdist that have not said which namespaces they created."""
        self._report: list[str] = []

    def lease(self, name: str) -> dict[str, str]:
        """Returns the lease of this run on a namespace that is about to be created."""
        self._names.add(name)
        return _lease(self._run, LIFETIME)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401  # one of pytest-xdist
        """Gives a worker the id of the run."""
        node.workerinput[KEY] = self._run
        self._unheard.add(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401
        """Takes the names from a worker that ended; a worker that crashed has none to give."""
        names = getattr(node, "workeroutput", {}).get(KEY)
        if names is not None:
            self._names.update(names)
            self._unheard.discard(node)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Ends the leases, after all workers have ended; what goes wrong is reported later."""
        if self._workeroutput is not None:
            self._workeroutput[KEY] = sorted(self._names)
        elif self._names or self._unheard:
            try:
                self._report = self._end()
            except ImportError:  # without the SDK no worker has created any
                pass
            except (Exception, KeyboardInterrupt) as error:  # the run's own summary matters more
                why = str(error) or type(error).__name__
                self._report = _lines(dict.fromkeys(sorted(self._names), why), why)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Names what could not be deleted."""
        for line in self._report:
            terminalreporter.write_line(line)

    def _end(self) -> list[str]:
        """Ends the leases of this run; returns what to report."""
        from .external import connected

        client = connected(self._settings)
        try:
            found, problem = _aside.run(_leased(client, self._run), LIST_SECONDS), ""
        except Exception as error:  # the known names remain
            found, problem = self._names, str(error) or type(error).__name__
        limit = END_SECONDS + EACH_SECONDS * len(found)
        left = _aside.run(_ended(client, self._run, found, self._settings.keep, limit))
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


def _lease(run: str, seconds: float) -> dict[str, str]:
    """Returns the lease of a run, as data of a namespace."""
    return {f"{LEASE}{run}": f"{_clock.unix_now() + seconds:.0f}"}


def leases(data: Mapping[str, str]) -> dict[str, float]:
    """Returns the leases in the data of a namespace: when they expire, by the id of the run."""
    return {
        key.removeprefix(LEASE): float(value)
        for key, value in data.items()
        if key.startswith(LEASE) and value.isdecimal()
    }


def _is_mine(data: Mapping[str, str], run: str) -> bool:
    """Returns whether it is for this run to end a namespace: its own, or one that has expired."""
    found = leases(data)
    return run in found or (bool(found) and max(found.values()) < _clock.unix_now())


async def _leased(client: Client, run: str) -> set[str]:
    """Returns the namespaces that it is for this run to end."""
    from temporalio.api.enums.v1 import NamespaceState
    from temporalio.api.workflowservice.v1 import ListNamespacesRequest

    found: set[str] = set()
    request = ListNamespacesRequest(page_size=1000)
    while True:
        page = await client.workflow_service.list_namespaces(request, retry=True)
        for namespace in page.namespaces:
            info = namespace.namespace_info
            is_there = info.state != NamespaceState.NAMESPACE_STATE_DELETED
            if is_there and _is_mine(info.data, run):
                found.add(info.name)
        if not page.next_page_token:
            return found
        request.next_page_token = page.next_page_token


async def _ended(
    client: Client, run: str, names: Iterable[str], keep: float, seconds: float
) -> dict[str, str]:
    """Ends a run's leases on namespaces; returns those that are left, each with its problem."""
    left = dict.fromkeys(sorted(names), "there was no time left for it")
    turns = asyncio.Semaphore(AT_ONCE)

    async def end(name: str) -> None:
        from temporalio.service import RPCError, RPCStatusCode

        async with turns:
            try:
                await _end_one(client, run, name, keep)
            except Exception as error:
                is_gone = isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND
                if not is_gone:
                    left[name] = str(error)
                    return
            del left[name]

    async def end_all() -> None:
        await asyncio.gather(*map(end, [*left]))

    with contextlib.suppress(asyncio.TimeoutError):
        await _timer.limited(end_all(), seconds)
    return left


async def _end_one(client: Client, run: str, name: str, keep: float) -> None:
    """Deletes a namespace; where it is kept, or another run uses it, only changes the lease."""
    from temporalio.api.operatorservice.v1 import DeleteNamespaceRequest

    data = (await describe(client, name)).namespace_info.data
    if not _is_mine(data, run):
        return
    others = [expires for other, expires in leases(data).items() if other != run]
    if run in leases(data) and (keep or max(others, default=0.0) > _clock.unix_now()):
        await lend(client, name, _lease(run, keep))
    else:
        request = DeleteNamespaceRequest(namespace=name)
        await client.operator_service.delete_namespace(request, retry=True)


async def describe(client: Client, name: str) -> DescribeNamespaceResponse:
    """Returns what the server knows of a namespace."""
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

    request = DescribeNamespaceRequest(namespace=name)
    return await client.workflow_service.describe_namespace(request, retry=True)


async def lend(client: Client, name: str, lease: Mapping[str, str]) -> None:
    """Adds a lease to the data of a namespace, or changes it."""
    from temporalio.api.namespace.v1 import UpdateNamespaceInfo
    from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest

    request = UpdateNamespaceRequest(namespace=name, update_info=UpdateNamespaceInfo(data=lease))
    await client.workflow_service.update_namespace(request, retry=True)
