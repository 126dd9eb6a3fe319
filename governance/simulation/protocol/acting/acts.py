"""What people and services do, as the native audit events that archives, decision points and others report.

Everybody's acts are made here, whoever they are and whatever for: a wrong look differs from a right one in nothing but
who looks at whom.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from governance.simulation.protocol.acting.reasons import Reasons
from governance.simulation.protocol.acting.sessions import Session, Sessions
from governance.simulation.protocol.acting.studies import Study
from governance.simulation.protocol.folk.people import Staff, Trust
from governance.simulation.protocol.folk.services import Service
from governance.simulation.protocol.parameters import Parameters
from governance.simulation.protocol.sending.channels import Channel
from governance.simulation.protocol.sending.outbox import EVENTS, Outbox
from governance.simulation.protocol.times import HOUR, MINUTE, SECOND, written
from governance.simulation.protocol.truth import EventKey, Incident, Tally

DIRECT_CARE = "z-direct-care"
CROSS_TRUST = "z-shared-care"
_VISIT = 24 * HOUR  # how long the decision of a visit covers a patient's studies
_MODULUS = 2**44
_ODD = 11_400_714_819_323  # spreads the serial numbers of events


@dataclass(frozen=True, slots=True)
class How:
    """How somebody looks, where it is not the usual way.

    Args:
        kind: access, export or print.
        purpose: HL7 v3 ActReason.
        decided: whether a decision stands behind it.
        reason: given to break the glass.
        agreement: under which it is done; the usual one when there is none.
        token: a token id that is used (again).
        size: bytes taken out.
        destination: where to.
        session: at which screen; the person's own session when there is none.
        incident: what it belongs to, if it is wrong.
    """

    kind: str = "access"
    purpose: str = "TREAT"
    decided: bool = True
    reason: str | None = None
    agreement: str | None = None
    token: str | None = None
    size: int | None = None
    destination: str | None = None
    session: Session | None = None
    incident: Incident | None = None


USUAL = How()


class Acts:
    """Makes events and sends them by their sources' channels."""

    def __init__(
        self,
        parameters: Parameters,
        trusts: Mapping[str, Trust],
        channels: Mapping[str, Channel],
        outbox: Outbox,
        reasons: Reasons,
        tally: Tally,
    ) -> None:
        self._parameters = parameters
        self._trusts = trusts
        self._channels = channels
        self._outbox = outbox
        self._reasons = reasons
        self._tally = tally
        self._serial = 0
        self._visits: dict[tuple[str, str, str], tuple[int, str]] = {}
        self.sessions = Sessions(self.sign)

    def look(self, who: Staff, study: Study, at: int, rng: Random, how: How = USUAL) -> EventKey:
        """Let somebody look at a study, or take it out: the decision of their visit if there is none, then the act."""
        trust = self._trusts[study.ods]
        subject = self.subject(who, how.session or self.sessions.of(who, at, rng))
        authority: dict[str, Any] = {}
        agreement = how.agreement or (DIRECT_CARE if who.ods == study.ods else CROSS_TRUST)
        if how.decided:
            scope = "study" if "sealed" in study.labels else "patient"  # a visit's decision lifts no seal
            decision = self._decision(trust, subject, study, at, rng, agreement, how.purpose, scope)
            authority = {"decision_id": decision, "agreement_id": agreement}
            if who.ods != study.ods:
                authority["token_jti"] = how.token or self.token(trust, subject, authority, at, rng)
        row: dict[str, Any] = {
            "kind": how.kind,
            "subject": subject,
            "purpose": how.purpose,
            "resource": study.resource(max(1, int(study.images * rng.choice((1, 1, 1, 0.5, 0.2))))),
            "authority": authority,
        }
        if how.reason is not None:
            row["break_glass"] = {"reason": how.reason}
        if how.size is not None:
            row |= {"bytes": how.size, "destination": how.destination or "cd"}
        key = self.event(trust.ods, trust.archive, at, rng, row)
        if how.incident is not None:
            how.incident.note(key, at)
            how.incident.patients.add(study.patient.number)
        else:
            self._count(who, study, at)
        if how.kind == "access" and rng.random() < 0.03:
            later = row | {"continues": key[1]}
            self.event(trust.ods, trust.archive, at + rng.randrange(MINUTE, 9 * MINUTE), rng, later)
        return key

    def read_by(
        self, service: Service, study: Study, at: int, rng: Random, incident: Incident | None = None, device: str = ""
    ) -> None:
        """Let an AI service read a study: decision, then access."""
        trust = self._trusts[study.ods]
        subject = service.subject(device)
        decision = self._decision(trust, subject, study, at, rng, service.agreement, "TREAT", scope="study")
        authority = {"decision_id": decision, "agreement_id": service.agreement}
        row = {
            "kind": "access",
            "subject": subject,
            "purpose": "TREAT",
            "resource": study.resource(study.images),
            "authority": authority,
        }
        key = self.event(trust.ods, trust.archive, at + rng.randrange(SECOND, 9 * SECOND), rng, row)
        self._tally.counts["ai_looks"] += 1
        if incident is not None:
            incident.note(key, at)
            incident.patients.add(study.patient.number)

    def token(
        self,
        trust: Trust,
        subject: Mapping[str, Any],
        authority: Mapping[str, Any],
        at: int,
        rng: Random,
    ) -> str:
        """Let the trust's broker issue a token for some minutes; gives its id."""
        jti = f"j{self._next()}"
        begun = at - rng.randrange(SECOND, 4 * SECOND)
        ends = begun + rng.choice((5, 10, 15)) * MINUTE
        row = {
            "kind": "token",
            "subject": dict(subject),
            "authority": {**authority, "token_jti": jti},
            "expires_at": written(ends),
        }
        self.event(trust.ods, trust.decisions, begun, rng, row)
        return jti

    def search(self, who: Staff, at: int, rng: Random, patient: str | None = None) -> EventKey:
        """Let somebody search: a worklist, or a patient."""
        row: dict[str, Any] = {
            "kind": "query",
            "subject": self.subject(who, self.sessions.of(who, at, rng)),
            "purpose": "TREAT",
        }
        if patient is not None:
            row["resource"] = {"patient": patient, "custodian": who.ods}
        return self.event(who.ods, self._trusts[who.ods].archive, at, rng, row)

    def break_glass(self, who: Staff, study: Study, reason: str, at: int, rng: Random) -> EventKey:
        """Let somebody break the glass: what the decision point reports of it."""
        trust = self._trusts[study.ods]
        row = {
            "kind": "break_glass",
            "subject": self.subject(who, self.sessions.of(who, at, rng)),
            "purpose": "BTG",
            "resource": study.resource(0) | {"instances": 1},
            "break_glass": {"reason": reason},
        }
        return self.event(trust.ods, trust.decisions, at, rng, row)

    def refuse(self, who: Staff, study: Study, at: int, rng: Random) -> EventKey:
        """Let a decision point refuse somebody."""
        trust = self._trusts[study.ods]
        row = {
            "kind": "decision",
            "outcome": "minor",
            "subject": self.subject(who, self.sessions.of(who, at, rng)),
            "purpose": "TREAT",
            "resource": study.resource(1),
        }
        return self.event(trust.ods, trust.decisions, at, rng, row)

    def sign(self, who: Staff, kind: str, session: Session, at: int, rng: Random) -> EventKey:
        """Let somebody sign in or out."""
        row = {"kind": kind, "subject": self.subject(who, session)}
        return self.event(who.ods, f"idp-{who.ods.lower()}", at, rng, row)

    def event(self, ods: str, source: str, at: int, rng: Random, row: Mapping[str, Any]) -> EventKey:
        """Report something; a source that is dead reports nothing."""
        channel = self._channels[source]
        number = self._next()
        key = (source, number)
        made = {
            "id": number,
            "time": written(channel.stamped(at)),
            "source": {"id": source, "ods": ods},
            "outcome": "success",
            **row,
        }
        sent = channel.sent(at, rng)
        if sent is not None:
            again = sent + rng.randrange(MINUTE, 20 * HOUR) if rng.random() < self._parameters.duplicates else None
            self._outbox.put(EVENTS, made, sent, again)
            self._tally.counts["duplicates"] += again is not None
        return key

    def subject(self, who: Staff, session: Session) -> dict[str, Any]:
        """Give the subject of an event."""
        return {
            "id": who.id,
            "type": "practitioner",
            "role": who.role.value,
            "ods": who.ods,
            "department": who.department,
            "session": session.id,
            "device": session.device,
            "site": session.site,
        }

    def forget(self, before: int) -> None:
        """Forget visits and sessions that were over before an instant."""
        self._visits = {key: value for key, value in self._visits.items() if value[0] >= before}
        self.sessions.forget(before)

    def _decision(
        self,
        trust: Trust,
        subject: Mapping[str, Any],
        study: Study,
        at: int,
        rng: Random,
        agreement: str,
        purpose: str,
        scope: str = "patient",
    ) -> str:
        """Give the decision of a visit, made a moment before the look when there is none yet."""
        visit = (subject["id"], study.patient.number, agreement)
        held = self._visits.get(visit)
        if scope == "patient" and held is not None and held[0] <= at < held[0] + _VISIT:
            return held[1]
        number = f"d{self._next()}"
        row = {
            "kind": "decision",
            "subject": dict(subject),
            "purpose": purpose,
            "resource": study.resource(1),
            "authority": {"decision_id": number, "agreement_id": agreement},
            "decision_scope": scope,
        }
        self.event(trust.ods, trust.decisions, at - rng.randrange(SECOND // 5, 3 * SECOND), rng, row)
        if scope == "patient":
            self._visits[visit] = (at, number)
        return number

    def _next(self) -> str:
        self._serial += 1
        return f"{self._serial * _ODD % _MODULUS:011x}"

    def _count(self, who: Staff, study: Study, at: int) -> None:
        """Count what ties and reasons there are between two people of the background."""
        counts, patient = self._tally.counts, study.patient
        counts["looks"] += 1
        counts["other_site"] += who.ods != study.ods
        counts["vip"] += "vip" in patient.flags
        if patient.staff is not None:
            counts["co_worker"] += patient.staff.department == who.department and patient.staff.ods == who.ods
        same_home = patient.home.number == who.home.number and not who.home.residence
        counts["family"] += same_home or patient.home.surname == who.home.surname
        counts["neighbour"] += patient.home.postcode == who.home.postcode and not same_home
        counts["explained"] += self._reasons.explain(who, study, at)
