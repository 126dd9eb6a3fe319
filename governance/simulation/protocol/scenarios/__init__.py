"""The wrong acts of the scenario catalogue, and two kinds that stand in no list.

Each is a function that drafts one incident on the day it begins: who, whom, when. It gives None when there is nobody
for it that day. How somebody tries not to be seen is decided before, for every kind alike (``stage.py``).
"""

from collections.abc import Callable, Mapping

from governance.simulation.protocol.scenarios import across, machines, personal, records, unlisted, windows
from governance.simulation.protocol.scenarios.stage import Stage
from governance.simulation.protocol.truth import Incident

Draft = Callable[[Stage], Incident | None]

KINDS: Mapping[str, Draft] = {
    "co_worker": personal.co_worker,
    "household": personal.household,
    "family_surname": personal.family_surname,
    "self_access": personal.self_access,
    "acquaintance": personal.acquaintance,
    "neighbour": personal.neighbour,
    "no_relation": personal.no_relation,
    "wrong_department": personal.wrong_department,
    "off_hours": personal.off_hours,
    "vip": records.vip,
    "decoy": records.decoy,
    "sealed_record": records.sealed_record,
    "after_death": records.after_death,
    "patient_burst": windows.patient_burst,
    "serial_browsing": windows.serial_browsing,
    "slow_boiling": windows.slow_boiling,
    "mass_export": windows.mass_export,
    "reconnaissance": windows.reconnaissance,
    "break_glass_misuse": windows.break_glass_misuse,
    "dormant_account": windows.dormant_account,
    "credential_sharing": windows.credential_sharing,
    "impossible_travel": windows.impossible_travel,
    "first_cross_trust": across.first_cross_trust,
    "cross_trust_drift": across.cross_trust_drift,
    "purpose_mismatch": across.purpose_mismatch,
    "agreement_probing": across.agreement_probing,
    "lapsed_authority": across.lapsed_authority,
    "ai_outside_manifest": machines.ai_outside_manifest,
    "ai_rereads": machines.ai_rereads,
    "ai_shadow_token": machines.ai_shadow_token,
    "audit_insider": machines.audit_insider,
    "made_worklist": unlisted.made_worklist,
    "favour_swap": unlisted.favour_swap,
}

__all__ = ["KINDS", "Stage"]
