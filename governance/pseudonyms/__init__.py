"""Pseudonyms: keyed pseudonyms of identifiers, and envelope encryption that lets a person be forgotten.

Rules of this room:

1. A pseudonym is an HMAC under a key that never leaves the service. A plain hash of a ten-digit NHS number would be no
   protection: all the numbers can be tried in seconds.
2. Each kind of identifier has its own domain, so a patient and a member of staff never collide.
3. Identifying fields are sealed under a data key of their owner, itself wrapped by the key-encryption key. Destroying
   the data key erases the fields wherever they were copied, and whatever commits to the ciphertext still verifies.
4. A destroyed key is never made again: sealing for a forgotten owner raises.
5. Both keys stay what they were when a database was first used: another one is refused (``key_checks.py``).

Example: ``vault.seal(session, pseudonymiser.patient("943 476 5919"), {"nhs_number": "9434765919"})``.
"""

from governance.pseudonyms.keyed import Pseudonymiser, is_person
from governance.pseudonyms.vault import DataKeys, OwnerForgotten, Vault

__all__ = ["DataKeys", "OwnerForgotten", "Pseudonymiser", "Vault", "is_person"]
