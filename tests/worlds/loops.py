"""An event loop of a test's own, whatever else runs one: the browser's driver leaves a running one in its thread."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread of its own, and give what it gives or raise what it raises."""
    with ThreadPoolExecutor(1, "test-loop") as threads:
        return threads.submit(asyncio.run, work).result()


def run_here(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in this thread, as what takes signals must be."""
    other = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return asyncio.run(work)
    finally:
        asyncio._set_running_loop(other)
