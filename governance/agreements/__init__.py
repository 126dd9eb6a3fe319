"""Agreements: under which terms images are shared.

Rules of this room:

1. An agreement is a document (``schema/agreement-1.json``). Its RFC 8785 text is what is hashed, signed and kept; it
   never changes under a version.
2. Loading is all or nothing, and every fault is named by its path.
3. A version is in the policy only while every party's signature verifies under a registered key that is not revoked;
   that is asked again at every compilation.
4. The lifecycle is a pure state machine (``lifecycle``); an illegal step is a Conflict that says what is in the way.
5. Every change, its history and its audit event are one transaction.
6. Compilation is pure and deterministic; the revision is the hash of what was compiled.
7. A party acts for itself: it registers its own keys and changes the status only of agreements that bind it. An actor
   without an organisation acts for the network.
8. A supposed change is compiled together with the terms in force (``hypothesis``), and the result is never published.
9. An export for another register holds the text with the signatures that count, never a status (``packing``).

Example: ``agreements.activate("wm-direct-care", 2, actor)``, then ``agreements.compiled().revision``.
"""

from governance.agreements.canonical import canonical_text, text_hash
from governance.agreements.compilation import PolicyData, agreements_in_force
from governance.agreements.hypothesis import InForce, Moved
from governance.agreements.lifecycle import Transition
from governance.agreements.model import Agreement, Clause
from governance.agreements.record import Actor, Algorithm, Change, Line, PartyKey, Record, Signature, chosen
from governance.agreements.rendering import plain_english, summary
from governance.agreements.service import Agreements, Overview, Page

__all__ = [
    "Actor",
    "Agreement",
    "Agreements",
    "Algorithm",
    "Change",
    "Clause",
    "InForce",
    "Line",
    "Moved",
    "Overview",
    "Page",
    "PartyKey",
    "PolicyData",
    "Record",
    "Signature",
    "Transition",
    "agreements_in_force",
    "canonical_text",
    "chosen",
    "plain_english",
    "summary",
    "text_hash",
]
