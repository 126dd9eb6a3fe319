"""Texts that every database keeps: no NUL, which PostgreSQL has no place for, and no half of a surrogate pair."""

from collections.abc import Iterator

REFUSED = "holds a NUL character or half of a surrogate pair"


def keepable(text: str) -> bool:
    """Say whether every database, and UTF-8, can carry a text."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unkeepable(value: object, at: str = "") -> Iterator[str]:
    """Give where in a JSON value a text stands that cannot be kept, as JSON pointers; of a member's name, its owner.

    Args:
        value: of any shape, as a JSON reader made it.
        at: the pointer of the value itself.
    """
    if isinstance(value, str):
        if not keepable(value):
            yield at
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from unkeepable(item, f"{at}/{place}")
    elif isinstance(value, dict):
        for name, item in value.items():
            if keepable(name):
                yield from unkeepable(item, f"{at}/{name}")
            else:
                yield at
