"""Federation: who. The network's organisations, their identity providers, registered services, staff and accounts.

Rules of this room:

1. Nobody is known by claim: an organisation, an issuer or a service counts only when it is registered here.
2. A trust's identity provider speaks for that trust alone; only a national one may speak for any.
3. A service proves itself with a key pair; this room holds the public half and refuses anything else. Where
   the service allows more: thumbprints of certificates, each of one service only, and the hash of a secret.
4. A token audience belongs to one archive, and the archive's organisation is the custodian of what it holds.
5. An AI service acts under the manifest of the version it runs. A manifest bounds modality, body part, trust, purpose
   and volume, counts only while approved, and never changes while it is.
6. A person is (issuer, subject): what is on file of one trust's ``jsmith`` is nothing of another's. People are
   keyed pseudonyms; household, surname and postcode are keyed hashes made at the source trust.
7. Registering a key again replaces the record whole.
8. Whose rows of the registers a service may write is said by its registration: its own trust's, and those named there.
9. Where a member of staff is written to is sealed and kept apart (contacts.py).
10. What is suspended or deleted is found by nobody who would act on it, from the very next look on, in every process.

Example: ``federation.client(session, "viewer.rkb")`` gives the registered service, or None.
"""

from governance.federation.contacts import Contacts
from governance.federation.credentials import ClientCredentials
from governance.federation.directory import FederationDirectory
from governance.federation.feed import parse_staff
from governance.federation.origins import RegisteredOrigins
from governance.federation.people import Person, StaffMember, chosen, recorded
from governance.federation.service_client import EVERY_TRUST, WHOLE_REGION, AiManifest, ServiceClient
from governance.federation.standing import NETWORK, Registered, Standing, person_name, person_of
from governance.federation.trust import IdentityProvider, Trust

__all__ = [
    "EVERY_TRUST",
    "NETWORK",
    "WHOLE_REGION",
    "AiManifest",
    "ClientCredentials",
    "Contacts",
    "FederationDirectory",
    "IdentityProvider",
    "Person",
    "Registered",
    "RegisteredOrigins",
    "ServiceClient",
    "StaffMember",
    "Standing",
    "Trust",
    "chosen",
    "parse_staff",
    "person_name",
    "person_of",
    "recorded",
]
