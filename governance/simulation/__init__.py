"""Simulation: a region that lives, for demonstrations, load and tests.

Rules of this room:

1. It speaks only the public surface and knows nothing of how the service works inside.
2. The same seed lives the same days.
3. Nobody in it is real: NHS numbers are of the 999 range, names and places of people are invented.
4. It knows the truth of every incident it plays, and gives it to whoever scores detection, never to the service.

Example: ``played = run(surface, plan)``; ``played.incidents`` holds the truth.
"""
