"""What is drawn once for a region: how well it documents, how it works at night, how late its feeds are."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any


@dataclass(frozen=True, slots=True)
class Parameters:
    """The region's drawn parameters; shares are of 1, times in seconds."""

    trusts: int
    documentation: float  # share of reasons that reach a feed
    cross_trust: float  # share of looks at another trust's images
    nights: float  # share of examinations between 20:00 and 08:00
    unrelated: float  # share of rightful looks that no feed will ever explain
    surname_offset: float  # of Zipf and Mandelbrot's law: how common the commonest surname is
    postcodes: int  # in a trust's catchment
    keys_known: float  # share of people whose ties are known
    feed_delay: float  # median of the slow feeds
    duplicates: float
    late: float  # share of events that come hours or days late
    remote: float  # share of reporting that is done from home
    decision_log_fails: bool  # one trust's decisions stop coming for some days
    spool: bool  # one archive is cut off for some days

    @classmethod
    def drawn(cls, rng: Random, shift: float = 0.0) -> "Parameters":
        """Draw them; ``shift`` is added to the documentation."""
        return cls(
            trusts=rng.randint(15, 18),
            documentation=round(rng.uniform(0.85, 0.97) + shift, 4),
            cross_trust=round(rng.uniform(0.05, 0.12), 4),
            nights=round(rng.uniform(0.10, 0.22), 4),
            unrelated=round(rng.uniform(0.018, 0.026), 4),
            surname_offset=round(rng.uniform(16, 26), 2),
            postcodes=rng.randint(140, 200),
            keys_known=round(rng.uniform(0.92, 0.99), 4),
            feed_delay=round(rng.lognormvariate(8.0, 0.4), 1),
            duplicates=round(rng.uniform(0.004, 0.02), 4),
            late=round(rng.uniform(0.002, 0.006), 5),
            remote=round(rng.uniform(0.10, 0.30), 4),
            decision_log_fails=rng.random() < 0.3,
            spool=rng.random() < 0.6,
        )

    def as_row(self) -> dict[str, Any]:
        """Give them as JSON."""
        return asdict(self)
