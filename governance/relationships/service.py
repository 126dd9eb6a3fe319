"""The relationships between those who look and those who are looked at: why an access may be right."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlmodel import Session

from governance.pseudonyms import Pseudonymiser
from governance.relationships import _store
from governance.relationships.edge import SERVICES, Between, Edge, Holder, Matches, held
from governance.relationships.patient import KnownPatient, PatientContext
from governance.storage.snapshot import cache_all, cached

OPT_OUT_LIFETIME = timedelta(hours=24)
TrustsNaming: TypeAlias = Callable[[Collection[str]], Mapping[str, frozenset[str]]]


class Relationships:
    """Finds edges and patients, and takes them from the feeds.

    Every method takes the caller's session first: a read snapshot, or for writes a write transaction.

    Args:
        pseudonymiser: keys the names of teams and services, as the feed keys the subjects of edges.
        opt_out_lifetime: how long a checked national data opt-out may be relied on; older is unknown.
    """

    def __init__(self, pseudonymiser: Pseudonymiser, opt_out_lifetime: timedelta = OPT_OUT_LIFETIME) -> None:
        self._pseudonymiser = pseudonymiser
        self._opt_out_lifetime = opt_out_lifetime

    def holders(self, person: Holder, team_ids: Collection[str], naming: TrustsNaming) -> tuple[Holder, ...]:
        """Give a person and the teams they are in as holders of edges.

        Args:
            person: with the trusts in which others have the same pseudonym.
            team_ids: the teams of their trust that they are in.
            naming: gives the trusts that have somebody or a team of each of some pseudonyms.
        """
        teams = sorted({self._pseudonymiser.subject(team) for team in team_ids})
        found, own = naming([person.name, *teams]), frozenset({person.trust})
        others = person.elsewhere | (found[person.name] - own)
        return (
            person._replace(elsewhere=others),
            *(Holder(team, person.trust, person.trust, found[team] - own) for team in teams),
        )

    def service(self, client_id: str) -> Holder:
        """Give a service as a holder of edges: its client id is one in the whole network."""
        return Holder(self._pseudonymiser.subject(client_id), SERVICES)

    def edges_between(self, session: Session, wanted: Between, at: datetime) -> tuple[Edge, ...]:
        """Give the edges, valid at ``at``, that any of the holders holds to a patient or a study.

        An edge that names the patient matches by the patient, whichever study it names: priors follow a current
        relationship. One that names a study only matches that study. A wide edge (pool, rota, project) matches when
        its trust is among the custodians, the trusts that answer for the study. Ordered by kind, then id.

        Args:
            session: a read snapshot.
            wanted: from whom and to what.
            at: the instant at which the edge must hold.
        """
        return cached(
            session,
            ("edges", wanted, at),
            lambda: tuple(
                held(
                    _store.edges_between(session, wanted.names, wanted.patient, wanted.study, wanted.custodians, at),
                    wanted.holders,
                )
            ),
        )

    def prepare(self, session: Session, wanted: Collection[Between], at: datetime) -> None:
        """Read in one go what :meth:`edges_between` and :meth:`patient` are to be asked for on this snapshot."""
        named = {one.patient for one in wanted if one.patient is not None}
        known = self.patients(session, named, at)
        cache_all(session, {("patient", patient, at): known.get(patient) for patient in named})
        of_subjects: dict[frozenset[str], list[Between]] = {}
        for one in wanted:
            of_subjects.setdefault(one.names, []).append(one)
        for subjects, theirs in of_subjects.items():
            found = Matches(_store.edges_among(session, subjects, theirs, at))
            cache_all(session, {("edges", one, at): found.of(one) for one in theirs})

    def edges_around(
        self,
        session: Session,
        names: Collection[str],
        patients: Collection[str],
        studies: Collection[str],
        span: tuple[datetime, datetime],
    ) -> tuple[Edge, ...]:
        """Give the edges of many names to many patients, studies or whole trusts, valid at some time in a span.

        A fixed number of statements, however many. Whose of the name each edge is, the caller asks :func:`held`.
        """
        return tuple(_store.edges_around(session, names, patients, studies, span))

    def edges_of(self, session: Session, holders: Collection[Holder], at: datetime) -> tuple[Edge, ...]:
        """Give every edge, valid at ``at``, that any of the holders holds; see :meth:`edges_between`."""
        return tuple(held(_store.edges_of(session, {holder.name for holder in holders}, at), holders))

    def edges_to(
        self, session: Session, patient: str | None, study: str | None, at: datetime, custodians: Collection[str] = ()
    ) -> tuple[Edge, ...]:
        """Give every edge, valid at ``at``, that ties anybody to a patient or a study; see :meth:`edges_between`."""
        return tuple(_store.edges_to(session, patient, study, custodians, at))

    def edges_of_patient(
        self, session: Session, patient: str, begun_since: datetime, begun_before: datetime
    ) -> tuple[Edge, ...]:
        """Give a patient's edges, whoever the subject, that began in ``[begun_since, begun_before)``."""
        return tuple(_store.edges_of_patient(session, patient, begun_since, begun_before))

    def patient(self, session: Session, patient: str, at: datetime) -> KnownPatient | None:
        """Find a patient by pseudonym ``p-…``; an opt-out too old at ``at`` is unknown (None)."""
        return cached(
            session, ("patient", patient, at), lambda: _store.patient(session, patient, at - self._opt_out_lifetime)
        )

    def patients(self, session: Session, patients: Collection[str], at: datetime) -> dict[str, KnownPatient]:
        """Find many patients in one go; unknown ones are left out."""
        return _store.patients(session, sorted(set(patients)), at - self._opt_out_lifetime)

    def patients_said(self, session: Session, patients: Collection[str]) -> tuple[PatientContext, ...]:
        """Give what each trust says of patients, without their opt-outs."""
        return tuple(_store.patients_said(session, sorted(set(patients))))

    def edges(self, session: Session, ids: Collection[str]) -> dict[str, Edge]:
        """Find edges by their feed ids, valid or not; unknown ones are left out."""
        return {edge.id: edge for edge in _store.edges_by_id(session, sorted(set(ids)))}

    def household_size(self, session: Session, household_key: str) -> int:
        """Count the patients who share a household key: a shared residence is no tie."""
        return _store.household_size(session, household_key)

    def referral_words(self, session: Session, ids: Collection[str]) -> dict[str, dict[str, Edge]]:
        """Give what the ends of referrals say of them, by feed id and by the trust that says so."""
        return _store.referral_words(session, sorted(set(ids)))

    def upsert_referral_word(self, session: Session, edge: Edge, said_by: str) -> None:
        """Insert or replace what one end of a referral says of it; by itself it is no edge."""
        _store.put_referral_word(session, edge, said_by)

    def withdraw_edge(self, session: Session, edge_id: str) -> None:
        """Take an edge off file, if it is there."""
        _store.delete_edge(session, edge_id)

    def upsert_edges(self, session: Session, edges: Sequence[Edge]) -> None:
        """Insert or replace edges by id; of two with one id the last wins."""
        _store.put_edges(session, edges)

    def upsert_patients(self, session: Session, patients: Sequence[PatientContext]) -> None:
        """Insert or replace what trusts say of patients, by patient and trust.

        An opt-out check is cached apart, and an older one never replaces a newer.
        """
        _store.put_patients(session, patients)

    def upsert_patient_keys(self, session: Session, keys: Mapping[str, str]) -> None:
        """Keep whose keys (``k-…``, :mod:`governance.pseudonyms.tie_keys`) are whose."""
        _store.put_patient_keys(session, keys)

    def patients_of_keys(self, session: Session, keys: Collection[str]) -> dict[str, str]:
        """Give the patients of keys by key; those of whom nobody told are left out."""
        return _store.patients_of_keys(session, sorted(set(keys)))

    def forget_patient_keys(self, session: Session, patient: str) -> None:
        """Forget the keys of a patient who is erased: whoever has a tie key could find them by it."""
        _store.delete_patient_keys(session, patient)

    def purge_opt_outs(self, session: Session, at: datetime) -> int:
        """Delete the opt-out checks whose lifetime is over at ``at``; gives how many."""
        return _store.purge_opt_outs(session, at - self._opt_out_lifetime)
