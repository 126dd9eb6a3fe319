"""Where a registration stands: in force, suspended or deleted, and since when what was issued to it counts.

1. It is kept apart from the registration: registering again replaces the record, and never ends a suspension. Nor does
   deleting: what was suspended when it was deleted is suspended when it is registered again.
2. Suspending and deleting also move ``not_before`` to now, and so does whatever ends them: what was issued before, or
   meanwhile, stays dead when it is resumed or registered again. ``not_before`` never moves back.
3. What is deleted comes back by being registered again; until then its name is nobody else's to take.
4. The key of an archive's enforcement point is derived with ``generation``: another generation is another key.
5. Whatever was issued rests on the network too (:data:`NETWORK`), which has a ``not_before`` alone: a restore moves it,
   for nobody knows what was issued, or ended, since the backup.
6. What the region put out of force, or kept so, is the region's to bring back (``by_region``): whoever else could end
   it would undo that.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from governance.errors import Conflict


class Registered(StrEnum):
    """What can be ended."""

    CLIENT = "client"
    CREDENTIALS = "credentials"  # certificates and secret of a client
    ENFORCEMENT_KEY = "enforcement_key"  # of an archive
    IDENTITY_PROVIDER = "identity_provider"
    NETWORK = "network"  # everything that was issued
    PERSON = "person"  # whom an issuer names, with a console account or without


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of one registration; ``name`` is its client id, its issuer, or a person's (:func:`person_name`).

    ``by_region`` says that the region has a part in its being out of force.
    """

    kind: Registered
    name: str
    suspended_at: datetime | None = None
    deleted_at: datetime | None = None
    not_before: datetime | None = None
    generation: int = 0
    by_region: bool = False

    @property
    def in_force(self) -> bool:
        """Say whether it counts now."""
        return self.suspended_at is None and self.deleted_at is None

    def admits(self, issued: datetime) -> bool:
        """Say whether what was issued or begun at an instant counts: later than ``not_before``, to the second."""
        bound = self.not_before
        return self.in_force and (bound is None or int(issued.timestamp()) > int(bound.timestamp()))

    def suspended(self, now: datetime, *, by_region: bool = False) -> "Standing":
        """Give it suspended, since then if it was; raises Conflict when it is deleted."""
        since = self._kept().suspended_at or now
        return replace(self.since(now), suspended_at=since, by_region=self.by_region or by_region)

    def resumed(self, now: datetime) -> "Standing":
        """Give it in force again; one that is in force stays as it is. Raises Conflict when it is deleted."""
        if self._kept().suspended_at is None:
            return self
        return replace(self.since(now), suspended_at=None, by_region=False)

    def deleted(self, now: datetime, *, by_region: bool = False) -> "Standing":
        """Give it deleted, since then if it was, and suspended if it was."""
        once = self.generation if self.deleted_at is not None else self.generation + 1
        gone = replace(self.since(now), deleted_at=self.deleted_at or now, generation=once)
        return replace(gone, by_region=self.by_region or by_region)

    def registered_again(self, now: datetime) -> "Standing":
        """Give it as a new registration leaves it: no longer deleted, and suspended if it was."""
        if self.deleted_at is None:
            return self
        return replace(self.since(now), deleted_at=None, by_region=self.by_region and self.suspended_at is not None)

    def since(self, at: datetime) -> "Standing":
        """Give it with everything dead that was issued up to an instant."""
        return replace(self, not_before=at if self.not_before is None else max(self.not_before, at))

    def rotated(self, now: datetime) -> "Standing":
        """Give it with its next key in force and every earlier one dead."""
        again = replace(self, suspended_at=None, deleted_at=None, generation=self.generation + 1, by_region=False)
        return again.since(now)

    def _kept(self) -> "Standing":
        if self.deleted_at is not None:
            raise Conflict("registration.deleted", "This was deleted: register it again, or make a new key.")
        return self


NETWORK = (Registered.NETWORK, "*")  # the name of the standing that everything rests on


def person_name(named_by: str, subject: str) -> str:
    """Give the name of a person's standing, by pseudonym and in whose names it is one: those hold no space."""
    return f"{named_by} {subject}"


def person_of(name: str) -> tuple[str, str]:
    """Give in whose names a person's standing is, and the pseudonym."""
    named_by, _, subject = name.rpartition(" ")
    return named_by, subject
