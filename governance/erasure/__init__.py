"""Erasure: forgetting a person, and the legal holds that forbid it.

Rules of this room:

1. Erasing destroys the data key of one person: what was sealed for them is unreadable wherever it was copied, and every
   proof still holds, for the log commits to the ciphertext.
2. Two persons approve it, each by a signature of their own; nobody erases alone.
3. It is refused while a hold is on the person or on a case that names them, and while a case about them as somebody who
   looked is open.
4. A person is (issuer, subject); the log's pseudonym, and with it the data key, is of the user id alone. Of several
   people on file under one user id nobody is erased while any of them is still there.
5. A hold says why and by whom it was set, and by whom and why it was ended. A trust sees and ends its own holds;
   whoever acts for the network sees all. Every trust's holds count.
6. A trust holds patients, and its own staff; whoever acts for the network holds anybody. Nobody holds what is no
   identifier, whom nobody knows, or who was erased.
7. Each act and its record are one transaction. Reasons are free text: they stay here and never go into the log.

Example: ``erasure.erase(Statement("p-…", "Request of 3 November", at), ["ada", "grace"])``.
"""

from governance.erasure.erasure import Erasure, Statement
from governance.erasure.holds import Hold, LegalHolds, NewHold

__all__ = ["Erasure", "Hold", "LegalHolds", "NewHold", "Statement"]
