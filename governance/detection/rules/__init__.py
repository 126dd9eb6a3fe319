"""The detectors, one a module.

Rules:

1. A module is named after the id of its rule, gives the rule as ``RULE``, and has its sidecar (YAML) beside it.
2. Nothing lists them: a detector is there when its module is.

Example: ``findings = RULE.observe(event, context, state)`` gives what one event shows.
"""
