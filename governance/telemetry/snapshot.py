"""What the database and the process say at scrape time; :class:`governance.telemetry.metrics.State` shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Edge:
    """A trust's own OPA at scrape time: seconds are None for what it never reported."""

    current: bool
    failing: bool
    lag: float | None
    age: float | None
    staleness: float | None
    lost: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the database, and this process, know at scrape time.

    ``known`` is False while the database does not answer: what it would say is then told by nobody, and ``age`` is the
    seconds since it last was. What the process itself knows, which parts answer above all, is told in any case.
    """

    log_size: int = 0
    checkpoint_size: int = 0
    checkpoint_age: float = 0.0  # seconds since the last signed checkpoint
    detection_cursor: int = 0
    alerts: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (state, severity) -> count
    notices: Mapping[str, int] = field(default_factory=dict)  # review -> count
    agreements: Mapping[str, int] = field(default_factory=dict)  # status -> count
    quarantined: int = 0
    queued: int = 0  # events that wait for a commit in this process
    checked: int = 0  # entries done in the check of the whole log that is under way
    check_age: float | None = None  # seconds since the whole log was last found whole
    ready: Mapping[str, bool] = field(default_factory=dict)  # part -> whether it answers
    edges: Mapping[str, Edge] = field(default_factory=dict)  # registered client id -> its state
    detection_stalled: float = 0.0  # seconds that the cursor stood still with entries to read
    known: bool = True
    age: float = 0.0
    engine: Mapping[str, bool] = field(default_factory=dict)  # network or tenant -> whether OPA holds what is its own
    looks: Mapping[tuple[str, str, str], int] = field(default_factory=dict)  # (trust, role, explained or not) -> count
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (kind of reason, feed) -> count of looks
