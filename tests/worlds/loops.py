"""An event loop of a test's own, in a thread of its own: the browser's driver leaves a running one in its thread."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and give what it gives, or raise what it raises."""
    with ThreadPoolExecutor(1, "test-loop") as threads:
        return threads.submit(asyncio.run, work).result()
