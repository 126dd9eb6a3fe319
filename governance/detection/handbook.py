"""Writes the handbook of detectors from their sidecars (``python -m governance.detection.handbook``)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import timedelta

from governance.detection.registry import default_rules
from governance.detection.rule import Rule
from governance.detection.sidecar import Sidecar, sidecar_of

_PREFACE = """# Detectors

What each detector says, on what evidence, when it is wrong, and what to do. For IG officers and the SOC.
This page is written from the sidecars beside the detectors' code; change those, not this.

Five things hold for all of them:

- **An alert is a question, not a finding of guilt.** Its sentences say what was seen and what was expected; a person
  gives the verdict.
- **Event time decides.** A detector knows when things happened at their source, and what the log held at that point.
  Reading the same log again gives the same alerts. A deferred check waits until its sources have sent what is at least
  {lateness} later, and longer for one that is late as a rule. A spool of last week is judged as if it came in time.
- **A notice accuses nobody.** `source_silent`: a source sends nothing, or what is old, for longer than it ever does.
  `context_degraded`: the same of a feed. While the feed of relationships of a trust is silent, looks there that nothing
  explains are held, and judged once it has come again; after three days that is given up, by name. Each outage is one
  notice.
- **One incident, one alert.** Findings of one family about one subject and one patient, trust or service go to one
  alert as long as no more than seven days lie between them. Legitimate accesses around a wrong one never take it away.
- **A detector that fails says so.** An alert of the family `detector_fault` names the detector and the event it could
  not judge: tell the operator, and look at that event by hand.

What no detector here sees: a single look, in working hours, by an acquaintance with no tie in the data. Asking for
reasons, letting patients see who looked, and sampling at random are the answer to that.
"""


def handbook(rules: Iterable[Rule], lateness: timedelta) -> str:
    """Give the handbook as Markdown, one section a rule."""
    minutes = int(lateness / timedelta(minutes=1))
    sections = [_section(sidecar_of(rule.id), rule) for rule in rules]
    return "\n".join([_PREFACE.format(lateness=f"{minutes} minutes"), *sections])


def _section(sidecar: Sidecar, rule: Rule) -> str:
    signals = [f"- `{signal}`: {sentence}" for signal, sentence in sidecar.evidence.items()]
    references = ", ".join(sidecar.reference)
    lines = [
        f"## {sidecar.title}",
        "",
        f"`{sidecar.id}` · severity **{sidecar.severity.value}** · family `{rule.family}` · {references}",
        "",
        sidecar.says,
        "",
        "Evidence:",
        "",
        *signals,
        "",
        "Known false positives:",
        "",
        *(f"- {item}" for item in sidecar.false_positives),
        "",
        "What to do:",
        "",
        *(f"{number}. {item}" for number, item in enumerate(sidecar.runbook, 1)),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    from governance.detection.reader.state import LATENESS

    sys.stdout.write(handbook(default_rules(), LATENESS))
