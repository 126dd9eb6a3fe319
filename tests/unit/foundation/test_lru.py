"""The bounded memory holds what was used last, never more than it promises, and is right among threads."""

import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.lru import LruCache

SIZES = st.integers(min_value=1, max_value=6)
STEPS = st.lists(st.tuples(st.sampled_from(["get", "put"]), st.integers(min_value=0, max_value=15)), max_size=120)
SIZE, THREADS, ROUNDS = 16, 6, 4_000


@pytest.fixture
def impatient() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@given(size=SIZES, steps=STEPS)
def test_what_was_used_last_is_held_with_its_newest_value_and_twice_as_much_at_most(
    size: int, steps: list[tuple[str, int]]
) -> None:
    memory: LruCache[int, int] = LruCache(size)
    kept: dict[int, int] = {}
    used: OrderedDict[int, None] = OrderedDict()
    for number, (step, key) in enumerate(steps):
        if step == "put":
            memory.put(key, number)
            kept[key] = number
        elif memory.get(key) is None:
            assert key not in list(used)[-size:]
            continue
        assert memory.get(key) == kept[key]
        used[key] = None
        used.move_to_end(key)
        assert len(memory) <= 2 * size


def test_what_is_asked_for_all_the_time_is_never_forgotten() -> None:
    memory: LruCache[object, int] = LruCache(10)
    memory.put("hot", 1)
    for number in range(1_000):
        memory.put(number, number)
        assert memory.get("hot") == 1
    assert memory.get(0) is None
    assert [memory.get(number) for number in range(991, 1_000)] == [*range(991, 1_000)]


def test_nothing_can_be_kept_and_is_told_from_what_is_not_held() -> None:
    memory: LruCache[str, None] = LruCache(1)
    assert memory.get("key", "absent") == "absent"
    memory.put("key", None)
    assert memory.get("key", "absent") is None


@pytest.mark.parametrize("size", [0, -1])
def test_a_memory_of_nothing_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="one entry at least"):
        LruCache(size)


@pytest.mark.usefixtures("impatient")
def test_threads_share_one_memory() -> None:
    memory: LruCache[str, str] = LruCache(SIZE)
    together = threading.Barrier(THREADS)
    memory.put("hot", "value of hot")

    def work(thread: int) -> list[tuple[str, str | None]]:
        wrong: list[tuple[str, str | None]] = []
        together.wait()
        for number in range(ROUNDS):
            key = "hot" if number % 2 else str(number * (thread + 1) % 100)
            value = f"value of {key}"
            found = memory.get(key)
            if found not in ({value} if key == "hot" else {value, None}) or len(memory) > 2 * SIZE + THREADS:
                wrong.append((key, found))
            memory.put(key, value)
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        assert [one for found in pool.map(work, range(THREADS)) for one in found] == []
    assert memory.get("hot") == "value of hot"
