"""Run every measurement: ``python -m benchmarks [name …]``. Each prints lines of ``name ours theirs ratio``."""

import importlib
import sys

NAMES = (
    "decisions_http",
    "log_verify",
    "audit_append",
    "impact_analysis",
    "suspension",
    "ended",
    "study_list",
    "agreements_scale",
    "alert_writes",
    "interference",
    "known_facts",
    "detection_state",
)


def main(chosen: list[str]) -> None:
    unknown = sorted(set(chosen) - set(NAMES))
    if unknown:
        sys.exit(f"no such measurement: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    print(f"{'name':<28} {'ours':>12} {'theirs':>12} {'ratio':>8}")
    for name in chosen or NAMES:
        importlib.import_module(f"benchmarks.{name}").run()


if __name__ == "__main__":
    main(sys.argv[1:])
