"""A wait for a workflow that ends with an error where the workflow's task fails again and again.

A client interceptor sees each call that waits for a workflow: for its result, for an update, for a
query. While such a call runs, and no longer, the watch asks the server about the workflow. The
first question comes after a quarter of a second: a call that ends sooner costs the server nothing.
"""

from __future__ import annotations

import asyncio
import functools
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, TypeVar

from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    WorkflowHistoryEventAsyncIterator,
    WorkflowUpdateHandle,
)

from .. import _timer
from .taskfailures import Seen

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.client import (
        FetchWorkflowHistoryEventsInput,
        QueryWorkflowInput,
        StartWorkflowUpdateInput,
        StartWorkflowUpdateWithStartInput,
    )

    from .._errors import WorkflowTaskFailedError

T = TypeVar("T")
U = TypeVar("U")

FIRST_SECONDS = (0.25, 0.5)
"""What lies before the first questions to the server."""

PAUSE_SECONDS = 1.0
"""What lies before each later one."""


class FailFast(Interceptor):
    """Ends a wait with `WorkflowTaskFailedError` after so many failures in a row."""

    def __init__(self, failures: int) -> None:
        """Takes the number of failures; at least one."""
        self._failures = failures

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002  # as the SDK has it
        """Returns what watches each wait of a client."""
        return _Outbound(next, self._failures)


class _Outbound(OutboundInterceptor):
    """The calls of a client that wait for a workflow."""

    def __init__(self, following: OutboundInterceptor, failures: int) -> None:
        super().__init__(following)
        self._failures = failures

    def fetch_workflow_history_events(
        self,
        input: FetchWorkflowHistoryEventsInput,  # noqa: A002
    ) -> WorkflowHistoryEventAsyncIterator:
        events = self.next.fetch_workflow_history_events(input)
        if not input.wait_new_event:
            return events
        return _Events(events, self._watch(input.id, input.run_id, children=True))

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002, ANN401
        __tracebackhide__ = True
        watch = self._watch(input.id, input.run_id)
        return await watch.end_of(self.next.query_workflow(input))

    async def start_workflow_update(
        self,
        input: StartWorkflowUpdateInput,  # noqa: A002
    ) -> WorkflowUpdateHandle[Any]:
        __tracebackhide__ = True
        watch = self._watch(input.id, input.run_id)
        return _watched(await watch.end_of(self.next.start_workflow_update(input)), watch)

    async def start_update_with_start_workflow(
        self,
        input: StartWorkflowUpdateWithStartInput,  # noqa: A002
    ) -> WorkflowUpdateHandle[Any]:
        __tracebackhide__ = True
        watch = self._watch(input.start_workflow_input.id, None)
        started = self.next.start_update_with_start_workflow(input)
        return _watched(await watch.end_of(started), watch)

    def _watch(self, workflow_id: str, run_id: str | None, *, children: bool = False) -> Watch:
        """Returns what watches a call: a child keeps its parent from a result, not from answers."""
        return Watch(Seen(self.next, self._failures, children=children), workflow_id, run_id)


class Watch:
    """Watches one workflow while a call waits for it."""

    def __init__(self, seen: Seen, workflow_id: str, run_id: str | None) -> None:
        self._seen, self._workflow_id, self._run_id = seen, workflow_id, run_id

    async def end_of(self, call: Coroutine[Any, Any, T]) -> T:
        """Returns what the call returns.

        Raises:
            WorkflowTaskFailedError: The workflow's task has failed too often in a row.
        """
        __tracebackhide__ = True
        waiting = asyncio.ensure_future(call)
        try:
            error = await self._watch(waiting)
        except asyncio.CancelledError:
            if waiting.cancel():
                return await waiting  # which may word its end itself, as an update does
            await _discard(waiting)
            raise
        except BaseException:
            await _discard(waiting)
            raise
        if error is None:
            return await waiting
        await _discard(waiting)
        raise error

    async def _watch(self, waiting: asyncio.Future[T]) -> WorkflowTaskFailedError | None:
        """Returns None once the call has ended, or the error that ends it."""
        for seconds in chain(FIRST_SECONDS, repeat(PAUSE_SECONDS)):
            await _until(waiting, _timer.sleep(seconds))
            if waiting.done():
                break
            error = await _until(waiting, self._error())
            if error is not None and not waiting.done():
                return error
        return None

    async def _error(self) -> WorkflowTaskFailedError | None:
        """Returns the error that is due, if any; a question that fails is no reason."""
        try:
            return await self._seen.error(self._workflow_id, self._run_id)
        except Exception:  # the server's, or the user's: the call that waits reports it, if need be
            return None


async def _until(waiting: asyncio.Future[Any], work: Coroutine[Any, Any, U]) -> U | None:
    """Returns what some work returns, or None at once where the call ends before it."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(_: object) -> None:
        _timer.resolve(over)

    working = asyncio.ensure_future(work)
    working.add_done_callback(end)
    waiting.add_done_callback(end)
    try:
        await over
        return working.result() if working.done() and not working.cancelled() else None
    finally:
        waiting.remove_done_callback(end)
        await _discard(working)


async def _discard(waiting: asyncio.Future[Any]) -> None:
    """Ends a call whose outcome is of no interest any more."""
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


def _watched(update: WorkflowUpdateHandle[Any], watch: Watch) -> WorkflowUpdateHandle[Any]:
    """Has the handle of an update watch its wait for the result, too."""
    if type(update) is WorkflowUpdateHandle:  # one of another interceptor stays as it is
        plain = update.result

        @functools.wraps(plain)
        async def result(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            __tracebackhide__ = True
            return await watch.end_of(plain(*arguments, **options))

        update.result = result  # type: ignore[method-assign]
    return update


class _Events(WorkflowHistoryEventAsyncIterator):
    """The events of a history, where each wait for the next one is watched."""

    def __init__(self, events: WorkflowHistoryEventAsyncIterator, watch: Watch) -> None:
        self._events, self._watch = events, watch

    @property
    def current_page_index(self) -> int:
        return self._events.current_page_index

    @property
    def current_page(self) -> Sequence[HistoryEvent] | None:
        return self._events.current_page

    @property
    def next_page_token(self) -> bytes | None:
        return self._events.next_page_token

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        __tracebackhide__ = True
        await self._watch.end_of(self._events.fetch_next_page(page_size=page_size))

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> HistoryEvent:
        __tracebackhide__ = True
        return await self._watch.end_of(self._events.__anext__())
