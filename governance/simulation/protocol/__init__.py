"""The protocol's region: months of audit events and feeds with a known truth, drawn from a seed, to measure detection.

Rules of this room:

1. It is written from the evaluation protocol with its eyes closed to every detector: it imports none, and nothing is
   set so that one finds it or misses it.
2. Parameters are drawn for each seed, never fixed. The same plan writes the same bytes.
3. An injected look is made by the same functions as everybody's: it has no time, modality, patient or identifier of
   its own kind. Ground truth leaves by ``truth.json`` alone.
4. Chance is divided into streams by purpose, so that a confounder that is switched off, a worse documentation or an
   outage changes that and leaves the rest of the region as it was.
5. It is written a day at a time; what is in memory are the people, the studies and what is still on its way.
6. Nobody in it is real: NHS numbers are of the 999 range, trusts, names and places are invented.

Example: ``generate(Plan(seed=1, size=Fraction(1, 5), mix=Mix.NATURAL), folder)``.
"""

from governance.simulation.protocol.generate import generate
from governance.simulation.protocol.plan import CONFOUNDERS, SCENARIOS, Mix, Plan

__all__ = ["CONFOUNDERS", "SCENARIOS", "Mix", "Plan", "generate"]
