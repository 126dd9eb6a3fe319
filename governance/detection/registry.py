"""Every detector there is. A new one is a file in ``rules/``, its sidecar beside it, and a line here."""

from __future__ import annotations

from governance.detection.rule import Rule
from governance.detection.rules.access_without_decision import AccessWithoutDecision
from governance.detection.rules.ai_outside_manifest import AiOutsideManifest
from governance.detection.rules.break_glass_used import BreakGlassUsed
from governance.detection.rules.break_glass_without_follow_up import BreakGlassWithoutFollowUp
from governance.detection.rules.decoy_record import DecoyRecord
from governance.detection.rules.lapsed_authority import LapsedAuthority
from governance.detection.rules.mass_export import MassExport
from governance.detection.rules.patient_burst import PatientBurst
from governance.detection.rules.self_access import SelfAccess


def default_rules() -> tuple[Rule, ...]:
    """Give every detector with its default thresholds, by id."""
    rules: tuple[Rule, ...] = (
        AccessWithoutDecision(),
        AiOutsideManifest(),
        BreakGlassUsed(),
        BreakGlassWithoutFollowUp(),
        DecoyRecord(),
        LapsedAuthority(),
        MassExport(),
        PatientBurst(),
        SelfAccess(),
    )
    return tuple(sorted(rules, key=lambda rule: rule.id))
