"""What components await that is not the kernel's: threads, sockets, asyncio.

A coroutine that yields anything but a kernel primitive is handed to an asyncio task, which carries it on until it waits
for the kernel again. The round is not over before that, so that time stands still meanwhile.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.abc

from .activity import PARKED, Activity
from .errors import ComponentError

if TYPE_CHECKING:
    from .kernel import Kernel

R = TypeVar("R")


class ForeignAwaits:
    """The coroutines of a kernel that wait for something foreign."""

    def __init__(self, kernel: Kernel, tasks: anyio.abc.TaskGroup) -> None:
        self._kernel = kernel
        self._tasks = tasks
        self._changed = anyio.Event()
        self._failure: ComponentError | None = None
        self.pending = 0

    def take(self, activity: Activity, trap: object) -> None:
        """Carry an activity on from the foreign thing that it has yielded."""
        self.pending += 1
        self._tasks.start_soon(self._drive, activity, trap)

    async def wait(self) -> None:
        """Wait until every activity waits for the kernel again.

        Raises:
            ComponentError: one of them raised and is not to be quarantined.
        """
        while self.pending:
            self._changed = anyio.Event()
            await self._changed.wait()
            if self._failure is not None:
                raise self._failure

    async def _drive(self, activity: Activity, trap: object) -> None:
        try:
            await self._forward(activity, trap)
        except StopAsyncIteration:
            self._kernel.finished(activity)
        except (Exception, asyncio.CancelledError) as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise  # The run is cancelled; otherwise it is only what the component awaited.
            try:
                self._kernel.failed(activity, error)
            except ComponentError as failure:
                self._failure = failure
        finally:
            self.pending -= 1
            self._changed.set()

    @types.coroutine
    def _forward(self, activity: Activity, trap: object) -> Generator[object, Any, None]:
        """Hand what the coroutine yields to the task, and what the task sends to the coroutine."""
        coroutine = activity.coroutine
        while trap is not PARKED:
            try:
                value = yield trap
            except BaseException as error:  # noqa: BLE001 - a cancellation belongs to the coroutine first
                resume: Callable[[Any], object] = coroutine.throw
                value = error
            else:
                resume = coroutine.send
            if not self._kernel.is_alive(activity):
                raise StopAsyncIteration
            try:
                trap = self._kernel.resume(activity, resume, value)
            except StopIteration:
                raise StopAsyncIteration from None


async def in_task(awaitable: Coroutine[object, object, R]) -> R:
    """Await a coroutine in an asyncio task of its own."""
    task = asyncio.ensure_future(awaitable)
    try:
        return await task
    finally:
        task.cancel()
