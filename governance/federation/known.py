"""What the history of facts holds of staff, teams, services, manifests and standings, and how it is read back.

Ties, teams and the patient that a member of staff is are sealed under that member's data key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from governance.facts import Fact, Version
from governance.federation.people import StaffMember
from governance.federation.service_client import AiManifest, ServiceClient
from governance.federation.standing import Registered, Standing, person_of
from governance.storage import from_microseconds, to_microseconds
from governance.vocabulary import Purpose

STAFF, TEAM, SERVICE, MANIFEST, STANDING = "staff", "team", "service", "manifest", "standing"
_SETS = ("modalities", "body_parts", "trusts")
_TIES = ("patient_key", "household_key", "surname_key", "surname_share", "postcode_key")
_PLAIN = ("role", "department", "site", "manager")


def facts_of(rows: Iterable[Any]) -> Iterator[Fact]:
    """Give the rows of which there is history as they are to be known."""
    for row in rows:
        if isinstance(row, StaffMember):
            yield staff_fact(row)
        elif isinstance(row, AiManifest):
            yield manifest_fact(row)
        elif isinstance(row, ServiceClient):
            yield service_fact(row)


def staff_fact(member: StaffMember) -> Fact:
    """Give a member of staff as they are to be known."""
    dates = {"training_valid_to": _day(member.training_valid_to), "leaves_on": _day(member.leaves_on)}
    return Fact(
        STAFF,
        f"{member.id} {member.ods} {member.issuer}",
        {name: getattr(member, name) for name in _PLAIN} | dates | {"issuer": member.issuer},
        {name: getattr(member, name) for name in _TIES} | {"team_ids": list(member.team_ids)},
        owner=member.id,
        subject=member.id,
        ods=member.ods,
    )


def known_staff(version: Version, secret: Mapping[str, Any]) -> StaffMember:
    """Give a member of staff as they were known; ``secret`` is what is sealed in the version, if it opens."""
    said = version.said()
    training, leaves = said.get("training_valid_to"), said.get("leaves_on")
    named: dict[str, Any] = {name: said.get(name) for name in _PLAIN} | {name: secret.get(name) for name in _TIES}
    return StaffMember(
        id=version.subject or "",
        ods=version.ods or "",
        team_ids=tuple(secret.get("team_ids") or ()),
        training_valid_to=None if training is None else date.fromisoformat(training),
        leaves_on=None if leaves is None else date.fromisoformat(leaves),
        issuer=said.get("issuer") or "",
        **named,
    )


def team_fact(team: str, ods: str) -> Fact:
    """Say that a trust has a team, by the pseudonym of its name; that is never taken back."""
    return Fact(TEAM, f"{team} {ods}", subject=team, ods=ods)


def service_fact(client: ServiceClient) -> Fact:
    """Give a service as it is to be known."""
    value = {"kind": client.kind.value, "ai_version": client.ai_version}
    return Fact(SERVICE, client.client_id, value, subject=client.client_id, ods=client.ods)


def manifest_fact(manifest: AiManifest) -> Fact:
    """Give the manifest of a version as it is to be known."""
    moments = {"approved_at": _instant(manifest.approved_at), "withdrawn_at": _instant(manifest.withdrawn_at)}
    return Fact(
        MANIFEST,
        f"{manifest.service_id} {manifest.version}",
        {name: sorted(getattr(manifest, name)) for name in _SETS}
        | {"purposes": sorted(one.value for one in manifest.purposes), "daily_volume": manifest.daily_volume}
        | {"version": manifest.version}
        | moments,
        subject=manifest.service_id,
    )


def known_manifest(version: Version) -> AiManifest:
    """Give a manifest as it was known."""
    said = version.said()
    return AiManifest(
        service_id=version.subject or "",
        version=said["version"],
        purposes=frozenset(map(Purpose, said.get("purposes") or ())),
        daily_volume=said["daily_volume"],
        approved_at=_moment(said.get("approved_at")),
        withdrawn_at=_moment(said.get("withdrawn_at")),
        **{name: frozenset(said.get(name) or ()) for name in _SETS},
    )


def standing_fact(standing: Standing) -> Fact:
    """Give where a registration stands as it is to be known; looked up by client id, issuer, or the person."""
    person = standing.kind is Registered.PERSON
    return Fact(
        STANDING,
        f"{standing.kind.value} {standing.name}",
        {
            "kind": standing.kind.value,
            "suspended_at": _instant(standing.suspended_at),
            "deleted_at": _instant(standing.deleted_at),
        },
        subject=person_of(standing.name)[1] if person else standing.name,
    )


def in_force(standings: Iterable[Version], kind: Registered) -> bool:
    """Say whether a registration was known to be in force, by the versions of its standing."""
    said = [one.said() for one in standings]
    return not any(one["kind"] == kind.value and (one.get("suspended_at") or one.get("deleted_at")) for one in said)


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _instant(value: datetime | None) -> int | None:
    return None if value is None else to_microseconds(value)


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_microseconds(value)
