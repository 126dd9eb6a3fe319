"""What the demo's account holders work with: themselves as staff, and a few studies with and without a reason to look.

The studies below are named so that the README, the demo's banner and the end-to-end tests can point at them.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from governance.simulation.identity_provider.accounts import Account, Accounts
from governance.simulation.population import nhs_numbers
from governance.vocabulary import Role

SHARED_STUDY = "1.2.826.0.1.3680043.10.1999.1.1"  # of RRK; radiologist.rkb has it on a worklist
UNRELATED_STUDY = "1.2.826.0.1.3680043.10.1999.1.2"  # of RRK; nobody at RKB has a reason to look
SEALED_STUDY = "1.2.826.0.1.3680043.10.1999.1.3"  # of RRK; opening it needs break-glass
OWN_STUDY = "1.2.826.0.1.3680043.10.1999.1.4"  # of RKB; its patient is staff.patient.rkb
DECOY_STUDY = "1.2.826.0.1.3680043.10.1999.1.5"  # of RRK; nobody has a reason to open it
REPORTER = "radiologist.rkb"
SELF = "staff.patient.rkb"
CURIOUS = "clinician.rrk"  # opened the decoy, and can be asked why
_ROLES: Mapping[str, tuple[Role, str]] = {
    "R0001": (Role.IG_OFFICER, "information governance"),
    "R0014": (Role.CONSULTANT_RADIOLOGIST, "radiology"),
    "R0015": (Role.PACS_ADMIN, "imaging systems"),
    "R0016": (Role.REPORTING_RADIOGRAPHER, "radiology"),
    "R0040": (Role.RESEARCHER, "research"),
    "R8000": (Role.CLINICIAN, "emergency"),
}
_CONSOLE: Mapping[str, Role] = {"ig.officer": Role.IG_OFFICER, "soc.analyst": Role.SOC_ANALYST}


def question(study: str = SHARED_STUDY) -> dict[str, Any]:
    """Give the AuthZEN question whether the reporter may look at a study for direct care, as its trust asks it."""
    properties = {"role": Role.CONSULTANT_RADIOLOGIST.value, "ods": "RKB", "assurance": 3}
    return {
        "subject": {"type": "practitioner", "id": REPORTER, "properties": properties},
        "action": {"name": "read"},
        "resource": {"type": "study", "id": study},
        "context": {"purpose": "TREAT"},
    }


def people(accounts: Accounts) -> list[dict[str, Any]]:
    """Give the console accounts: privacy officers and the SOC."""
    return [
        {"ods": account.issuer, "subject": account.user, "roles": [role.value]}
        for account in accounts.accounts.values()
        for prefix, role in _CONSOLE.items()
        if account.user.startswith(prefix)
    ]


def staff(accounts: Accounts, today: date) -> list[dict[str, Any]]:
    """Give the account holders as lines of the staff feed, each at the trust of their issuer."""
    return [_member(account, today) for account in accounts.accounts.values()]


def patients(accounts: Accounts) -> list[dict[str, Any]]:
    """Give the patients of the showcase as lines of the patients feed."""
    own = [{"id": a.patient, "staff_id": a.user} for a in accounts.accounts.values() if a.patient]
    return [*({"id": number} for number in _numbers()), *own]


def studies(accounts: Accounts, today: date) -> list[dict[str, Any]]:
    """Give the studies of the showcase as lines of the studies feed."""
    shared, unrelated, sealed, decoy = _numbers()
    own = accounts.accounts[SELF].patient
    taken = (today - timedelta(days=3)).isoformat()

    def study(uid: str, ods: str, patient: str | None, *labels: str) -> dict[str, Any]:
        row = {"id": uid, "custodians": [ods], "patient": patient, "study_date": taken, "labels": list(labels)}
        return row | {"modality": "CT", "body_part": "HEAD"}

    return [
        study(SHARED_STUDY, "RRK", shared),
        study(UNRELATED_STUDY, "RRK", unrelated),
        study(SEALED_STUDY, "RRK", sealed, "sealed"),
        study(OWN_STUDY, "RKB", own),
        study(DECOY_STUDY, "RRK", decoy, "decoy"),
    ]


def edges(accounts: Accounts, today: date) -> list[dict[str, Any]]:
    """Give the reasons to look as lines of the edges feed."""
    shared, _, sealed, _ = _numbers()
    own = accounts.accounts[SELF].patient
    return [
        worklist("showcase-1", REPORTER, shared, SHARED_STUDY, today),
        worklist("showcase-2", REPORTER, sealed, SEALED_STUDY, today),
        worklist("showcase-3", SELF, own, OWN_STUDY, today),
    ]


def looks(today: date) -> list[dict[str, Any]]:
    """Give a look that wants a question, as a line of the audit feed: somebody opened the decoy last night."""
    decoy = _numbers()[3]
    at = datetime.combine(today - timedelta(days=1), time(21, 40), UTC)
    return [
        {
            "id": f"showcase-look-{at.date().isoformat()}",
            "time": at.isoformat().replace("+00:00", "Z"),
            "source": {"id": "archive-rrk", "ods": "RRK"},
            "kind": "access",
            "outcome": "success",
            "subject": {"id": CURIOUS, "type": "practitioner", "role": Role.CLINICIAN.value, "ods": "RRK"},
            "purpose": "TREAT",
            "resource": {
                "study_uid": DECOY_STUDY,
                "patient": decoy,
                "modality": "CT",
                "body_part": "HEAD",
                "study_date": (today - timedelta(days=3)).isoformat(),
                "custodian": "RRK",
            },
        }
    ]


def worklist(name: str, subject: str, patient: str | None, study: str, today: date) -> dict[str, Any]:
    """Give a place on a worklist of RRK, for the two months around today, as a line of the edges feed."""
    start = datetime.combine(today - timedelta(days=3), time(8), UTC)
    return {
        "id": name,
        "kind": "worklist",
        "subject": subject,
        "patient": patient,
        "study_uid": study,
        "ods": "RRK",
        "from": start.isoformat().replace("+00:00", "Z"),
        "until": (start + timedelta(days=60)).isoformat().replace("+00:00", "Z"),
        "source": "ris-rrk",
    }


def _member(account: Account, today: date) -> dict[str, Any]:
    role = next((r for r in account.roles if r.ods == account.issuer), account.roles[0])
    name, department = _ROLES[role.job.code.rsplit(":", 1)[-1]]
    row = {
        "id": account.user,
        "ods": account.issuer,
        "role": name.value,
        "department": department,
        "training_valid_to": (today + timedelta(days=300)).isoformat(),
        "contact": f"{account.user}@{account.issuer.lower()}.example",
    }
    return row | ({"patient_key": account.patient} if account.patient else {})


def _numbers() -> tuple[str, str, str, str]:
    """Give the four invented patients' numbers, always the same."""
    found = nhs_numbers(900_000)
    return next(found), next(found), next(found), next(found)
