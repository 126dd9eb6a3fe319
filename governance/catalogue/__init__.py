"""Catalogue: what may be asked for. Imaging studies, who answers for them, whose they are and how they are marked.

Rules of this room:

1. The study instance UID is the key; the pseudonym ``t-…`` is stored beside it, for the log knows a study by that only.
2. A patient is a keyed pseudonym ``p-…``; no identifier of a person is ever kept here.
3. A study may have several custodians. One without any is known and has no owner: no owner means no access.
4. An upsert replaces a study whole; what a line of a feed leaves as it is, the room ``registers`` puts back in.
5. The catalogue finds studies and decides nothing. It takes a filter as the condition of a query.

Example: ``catalogue.search(session, [StudyQuery(ALWAYS, today, custodians=["RRK"])])``.
"""

from governance.catalogue.condition import (
    ALWAYS,
    NEVER,
    Compare,
    Condition,
    Either,
    Every,
    NotUcast,
    Row,
    Scalar,
    Unless,
    either,
    every,
    holds,
)
from governance.catalogue.condition import parse as parse_ucast
from governance.catalogue.feed import CUSTODIANS_MAXIMUM, LABELS_MAXIMUM, parse_studies, read_label
from governance.catalogue.query import StudyQuery
from governance.catalogue.service import Catalogue
from governance.catalogue.study import Study

__all__ = [
    "ALWAYS",
    "CUSTODIANS_MAXIMUM",
    "LABELS_MAXIMUM",
    "NEVER",
    "Catalogue",
    "Compare",
    "Condition",
    "Either",
    "Every",
    "NotUcast",
    "Row",
    "Scalar",
    "Study",
    "StudyQuery",
    "Unless",
    "either",
    "every",
    "holds",
    "parse_studies",
    "parse_ucast",
    "read_label",
]
