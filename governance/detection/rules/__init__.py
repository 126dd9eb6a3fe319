"""The detectors, one a module: named after the rule's id, which it gives as ``RULE``, with its sidecar beside it."""
