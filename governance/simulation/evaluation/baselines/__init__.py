"""What detection is held against, on the same days: rules, forests, tails, chance, and plain counting.

A baseline gives groups: what it would show one alert for, how strongly, and which incidents it holds events of. It may
see the whole run before it ranks, which no detector that runs beside the service may.

- B0 classic rules on every look; B1 the same on looks without a reason, as they are, and ranked and cut.
- B2 Isolation Forest (Liu 2008) and B3 ECOD (Li 2022) on days of users, cut.
- B4 a random audit of as many weeks of users.
- B5 looks without a reason in a week of a user, counted, ranked, cut.
"""

from governance.simulation.evaluation.baselines.days import ecod, forest
from governance.simulation.evaluation.baselines.plain import audit, counted
from governance.simulation.evaluation.baselines.ranking import Group, cut, uncut
from governance.simulation.evaluation.baselines.rules import rules

__all__ = ["Group", "audit", "counted", "cut", "ecod", "forest", "rules", "uncut"]
