"""What the detectors' sidecars say: an alert's title, what it means, what to check, when it is usually wrong."""

from governance.alerts import Alert
from governance.detection import Sidecar, sidecar_of


def rules_of(alert: Alert) -> tuple[Sidecar, ...]:
    """Give the sidecars of the rules behind an alert, the gravest first; a rule without one is left out."""
    found = [sidecar for rule_id in alert.rule_ids if (sidecar := _sidecar(rule_id)) is not None]
    return tuple(sorted(found, key=lambda sidecar: (-sidecar.severity.rank, sidecar.id)))


def alert_title(alert: Alert) -> str:
    """Give the title of an alert: that of its gravest rule, or its family's name when no rule is known here."""
    rules = rules_of(alert)
    return rules[0].title if rules else alert.family.replace("_", " ").capitalize()


def _sidecar(rule_id: str) -> Sidecar | None:
    if not rule_id.isidentifier():
        return None
    try:
        return sidecar_of(rule_id)
    except FileNotFoundError:
        return None
