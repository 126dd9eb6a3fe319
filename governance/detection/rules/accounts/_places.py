"""Where people are: the network's physical sites, as the staff register names them, and what is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from governance.audit.event import RecordedEvent
from governance.detection.knowledge.facts import StaffFacts
from governance.detection.reader.state import RuleState
from governance.detection.windows import AT, INDEX, MINUTE, Row

_AWAY = re.compile(r"remote|home|vpn|vdi|citrix|gateway|cloud|mobile|telerad|off-?site", re.IGNORECASE)
_WORKERS = 3  # people whom the register places at a site, from whom on it is one
_SITES = 2_000


class Place(NamedTuple):
    """A physical site and the trust whose people work there."""

    site: str
    trust: str


def place_of(event: RecordedEvent, staff: StaffFacts | None, state: RuleState) -> Place | None:
    """Give where somebody acted, if that is a physical site; what the register says of them is taken note of.

    A site is physical when the register places several people there: a gateway or somebody's home is nobody's place of
    work. A name that says so is none either.
    """
    if staff is not None and staff.site is not None and event.subject is not None:
        _note(staff.site, staff.ods, event.subject.id, state)
    site = event.subject.site if event.subject else None
    if site is None or _AWAY.search(site):
        return None
    known = state.get(f"site:{site}")
    if known is None or len(known["who"]) < _WORKERS:
        return None
    trust = max(sorted(known["trusts"]), key=lambda ods: known["trusts"][ods])
    return Place(site, trust)


def _note(site: str, trust: str, who: str, state: RuleState) -> None:
    known = state.get(f"site:{site}")
    if known is not None and (who in known["who"] or len(known["who"]) >= _WORKERS):
        return
    if known is None:
        count = state.get("sites") or {"n": 0}
        if count["n"] >= _SITES:
            return
        state.put("sites", {"n": count["n"] + 1}, None)
        known = {"who": [], "trusts": {}}
    trusts = {**known["trusts"], trust: known["trusts"].get(trust, 0) + 1}
    state.put(f"site:{site}", {"who": sorted([*known["who"], who]), "trusts": trusts}, None)


def goes_on_there(rows: Sequence[Row], at: int, where: Row) -> bool:
    """Say whether an act adds nothing: it follows at once on two others at the same place, device and session."""
    if len(rows) < 2 or not 0 <= at - rows[-1][AT] < 2 * MINUTE:
        return False
    return all(row[INDEX + 1 : INDEX + 1 + len(where)] == where for row in rows[-2:])
