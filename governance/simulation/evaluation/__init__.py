"""Measures detection on the protocol's region: sends it to a running service and holds the alerts to the truth.

Rules of this room:

1. It speaks the public surface alone. It knows a rule by the name on its alerts and by nothing else.
2. Strict is what is quoted: an incident is found when an alert holds one of the incident's own events.
3. Notices are counted apart: they are neither alerts nor finds.
4. Every share has its interval, and is pooled from counts, never from shares.
5. The baselines see the same days, and more: they rank the whole run at once.
6. What a service does not say is printed as not said, never as nought.

Example: ``result = measure(run)``; ``print(table([result]))``.
"""
