"""Which patient a member of staff is, where their trust says so by a keyed hash (``pseudonyms/tie_keys.py``).

1. The key of each patient whom the feeds of patients and studies name by NHS number is computed here and kept with the
   patient's pseudonym; the number is not. A patient who was erased gets none.
2. A member of staff is tied to the patient as soon as both are told of, whichever came first. Until then the key is
   kept as it came, and is nobody's.
3. Both feeds hold the matter of staff while they compare, so that neither misses what the other is writing.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlmodel import Session

from governance.federation import FederationDirectory, StaffMember
from governance.pseudonyms import Pseudonymiser, Vault
from governance.pseudonyms.tie_keys import TieKeys, is_patient_key
from governance.relationships import Relationships
from governance.storage.exclusive import exclusive

Row = TypeVar("Row")


class Told:
    """The patients that one body of a feed names, with their keys.

    Args:
        keys: the tie keys.
        pseudonymiser: gives their pseudonyms.
    """

    def __init__(self, keys: TieKeys, pseudonymiser: Pseudonymiser) -> None:
        self._keys = keys
        self._pseudonymiser = pseudonymiser
        self._named: dict[str, str] = {}

    def patient(self, reference: str) -> str:
        """Give the pseudonym of a patient, and keep by which reference they were named."""
        pseudonym = self._pseudonymiser.patient(reference)
        if pseudonym != reference:
            self._named[pseudonym] = reference
        return pseudonym

    def keys_of(self, patients: Collection[str]) -> dict[str, str]:
        """Give the patients among some of whom keys can be computed, by each key."""
        named = ((patient, self._named[patient]) for patient in sorted(patients) if patient in self._named)
        return {key: patient for patient, reference in named for key in self._keys.keys_of(reference)}


class PatientKeys:
    """Ties members of staff to the patients they are.

    Args:
        keys: the tie keys in force.
        federation: holds staff.
        relationships: keeps whose key is whose.
        pseudonymiser: gives the pseudonyms of patients.
        vault: knows who was erased.
        matter: of the feed of staff.
    """

    def __init__(
        self,
        *,
        keys: TieKeys,
        federation: FederationDirectory,
        relationships: Relationships,
        pseudonymiser: Pseudonymiser,
        vault: Vault,
        matter: str,
    ) -> None:
        self._keys = keys
        self._federation = federation
        self._relationships = relationships
        self._pseudonymiser = pseudonymiser
        self._vault = vault
        self._matter = matter

    def listen(self) -> Told:
        """Make what hears of the patients of one body."""
        return Told(self._keys, self._pseudonymiser)

    def learn(self, session: Session, told: Told, patients: Collection[str]) -> None:
        """Keep the keys of patients who were written, and tie the staff who were waiting for them."""
        keys = told.keys_of(patients)
        fresh = keys.keys() - self._relationships.patients_of_keys(session, keys).keys()
        if not fresh:
            return
        owners = self._vault.data_keys(session, {keys[key] for key in fresh})
        known = {key: keys[key] for key in sorted(fresh) if not owners.forgotten(keys[key])}
        exclusive(session, self._matter)
        self._relationships.upsert_patient_keys(session, known)
        waiting = self._federation.staff_of_patients(session, known)
        if waiting:
            self._federation.upsert_staff(session, self.tied(session, waiting))

    def tied(self, session: Session, staff: Sequence[StaffMember]) -> list[StaffMember]:
        """Give members of staff with the patients they are in the place of keys that are known."""
        keys = {one.patient_key for one in staff if one.patient_key is not None and is_patient_key(one.patient_key)}
        known = self._relationships.patients_of_keys(session, keys) if keys else {}
        return [replace(one, patient_key=known.get(one.patient_key or "", one.patient_key)) for one in staff]


def learning(
    upsert: Callable[[Session, Sequence[Row]], None], keys: PatientKeys, told: Told, patient: Callable[[Row], str]
) -> Callable[[Session, Sequence[Row]], None]:
    """Make a write that also keeps the keys of the patients it names."""

    def write(session: Session, rows: Sequence[Row]) -> None:
        upsert(session, rows)
        keys.learn(session, told, {patient(row) for row in rows})

    return write
