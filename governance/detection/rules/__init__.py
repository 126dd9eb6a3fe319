"""The detectors, one a file, each with its sidecar beside it."""
