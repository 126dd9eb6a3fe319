"""Stored tiles in order, taken one by one when their turn comes, read a page at a time."""

from __future__ import annotations

from collections.abc import Iterator

from governance.audit.checker._readers import Reader, Row


class StoredTiles:
    """Tiles in order of level and number; those that nobody asked for are strangers.

    Args:
        reader: reads them.
        size: leave out the tiles of entries from this size on; None reads all there are.
    """

    def __init__(self, reader: Reader, size: int | None) -> None:
        self._rest = _pages(reader, size)
        self._next = next(self._rest, None)
        self._strangers: list[Row] = []

    def take_if(self, key: tuple[int, int]) -> Row | None:
        """Give the tile with this key if it is the next one."""
        while self._next is not None and not _reaches(self._next, key):
            self._strangers.append(self._next)
            self._next = next(self._rest, None)
        found = self._next
        if found is None or (found[0], found[1]) != key:
            return None
        self._next = next(self._rest, None)
        return found

    def rest(self) -> Iterator[Row]:
        """Give what was not taken."""
        yield from self._strangers
        if self._next is not None:
            yield self._next
        yield from self._rest


def _reaches(tile: Row, key: tuple[int, int]) -> bool:
    """Tell whether a tile may still be the one with this key or come after it."""
    return isinstance(tile[0], int) and isinstance(tile[1], int) and (tile[0], tile[1]) >= key


def _pages(reader: Reader, size: int | None) -> Iterator[Row]:
    after: tuple[int, int] | None = None
    while page := reader.tiles(after):
        yield from (tile for tile in page if size is None or _is_below(tile, size))
        after = (page[-1][0], page[-1][1])


def _is_below(tile: Row, size: int) -> bool:
    """Tell whether a tile is of entries below a size; one whose key is no number is nobody's, and shown."""
    level, number = tile[0], tile[1]
    if not isinstance(level, int) or not isinstance(number, int) or level < 0:
        return True
    return number < size >> 8 * (min(level, 8) + 1)
