"""The detectors, one a module, in rooms by what they ask.

Rules:

1. A module is named after the id of its rule, gives the rule as ``RULE``, and has its sidecar (YAML) beside it.
2. Nothing lists them: a detector is there when its module is. A module that starts with an underscore is none.
3. A hard rule needs one event, a windowed one counts over sliding windows of event time against peers. Evidence that
   only adds up over a person's unexplained looks is no rule: the scoring model sums it.
4. Role and trust come from the register wherever it knows the person; an event's own claim counts only where it does
not. 5. What is kept of one key is bounded: rows of a few numbers, at most some hundreds of them.
6. An alert names one person or service, a crowd on one patient only those without a reason.

Example: ``findings = RULE.observe(look, context, state)`` gives what one event shows.
"""
