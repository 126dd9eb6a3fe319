"""The scoring model: what many small signs about looks without a reason are worth together, and when that is an alert.

Rules of this room:

1. Only looks without a reason count, and only for the person who made them. Nothing a person does beside them, no
   padding, lowers what they are worth: evidence is a sum of parts that are never negative, each with a cap.
2. A trait counts by how much more often it is seen with somebody who has no business there than with everybody else of
   that role: conditional, never rare by itself. What everybody does is learnt from the log, aged, the region's share
   lent to roles that few have; one person's days weigh one person's share.
3. A person's day is judged once, when the time is past in which reasons come late; the judgement stays. A reason that
   comes later takes back what it explains, by name.
4. The score of a day becomes the chance of such a day among clean ones (calibration), and an alert by the share of
   alerts that the trust accepts to be for nothing (volume).
5. Pure: events, facts and memory in, findings out.

Example: ``score_of(day, usual)`` gives a day's score and what it is made of.
"""
