"""The filter: which studies may be shown, said before any study is known (``policies/imaging/filter``).

1. A filter is a condition a clause (UCAST, ``governance.catalogue``): the least clause key whose condition holds is the
   clause that a decision on the study would rest on.
2. OPA's Compile API gives the conditions as one expression that names clause and revision in its own words. An engine
   that cannot evaluate in part gives what they are made of, and they are put together here: the words of the rule
   ``include``, and nothing that the policy does not say. A property test holds both to an evaluation of each study.
3. A filter always says its revision, so nothing passes for "no studies".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.catalogue import Condition, Row, holds


@dataclass(frozen=True, slots=True)
class StudyFilter:
    """What each clause opens, by clause key in order; ``revision`` is that of the policy data it was made with."""

    revision: str
    clauses: Mapping[str, Condition]

    def clause_of(self, row: Row) -> str | None:
        """Give the key of the clause that opens a study, None when none does."""
        return next((key for key, condition in self.clauses.items() if holds(condition, row)), None)
