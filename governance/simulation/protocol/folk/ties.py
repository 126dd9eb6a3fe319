"""Ties of people: homes, surnames and postcodes, and the keyed hashes as which alone they travel."""

import hmac
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

TIE_KEY = b"the simulated region's tie key.."  # 32 bytes; nobody in the region is real
SURNAMES = 40_000
_HEX = 32  # characters of a key
_WEIGHTS = (33, 30, 14, 15, 8)  # of households of 1 to 5 people


def keyed(kind: str, text: str) -> str:
    """Give the keyed hash of something: HMAC-SHA-256 under the region's tie key."""
    return hmac.digest(TIE_KEY, f"{kind}/{text}".encode(), "sha256").hex()[:_HEX]


def patient_key(number: str) -> str:
    """Give the keyed hash of an NHS number: over its ten digits and nothing else."""
    return hmac.digest(TIE_KEY, number.encode(), "sha256").hex()


@dataclass(slots=True)
class Home:
    """A household: its number, the surname's rank, the postcode, and whether its ties are known to the feeds."""

    number: int
    surname: int
    postcode: str
    known: bool
    residence: bool = False


class Surnames:
    """Draws surnames by Zipf and Mandelbrot's law, with a town's own favourites."""

    def __init__(self, offset: float) -> None:
        self._sums = list(accumulate(1 / (rank + offset) for rank in range(1, SURNAMES + 1)))

    def draw(self, rng: Random, favourites: Sequence[int] = ()) -> int:
        """Draw a surname's rank; in a town with favourites each of them is borne by one in forty."""
        if favourites and rng.random() < len(favourites) / 40:
            return rng.choice(favourites)
        return bisect_left(self._sums, rng.random() * self._sums[-1])


def household_size(rng: Random) -> int:
    """Draw how many live under one roof."""
    return rng.choices((1, 2, 3, 4, 5), _WEIGHTS)[0]


def check_digit(body: int) -> str | None:
    """Give the check digit of an NHS number's first nine digits (modulus 11); None where there is none."""
    total = sum(int(digit) * weight for digit, weight in zip(str(body), range(10, 1, -1), strict=True))
    digit = 11 - total % 11
    return None if digit == 10 else str(digit % 11)


class Numbers:
    """Gives NHS numbers of the 999 range, none twice, from a place drawn by the seed."""

    def __init__(self, rng: Random) -> None:
        self._next = rng.randrange(1_000_000)

    def take(self) -> str:
        """Give the next number."""
        while True:
            body = 999_000_000 + self._next
            self._next = (self._next + 1) % 1_000_000
            digit = check_digit(body)
            if digit is not None:
                return f"{body}{digit}"
