"""NHS CIS2 identity claims: who somebody acts as, for which organisation, proven how well.

1. The acting organisation is the ``org_code`` of the role whose ``person_roleid`` equals ``selected_roleid``. Never the
   first role, never the only one: no selection, no acting organisation, no access.
2. The acting role is read from the last part of that role's ``role_code`` (``S…:G…:R…``, the national RBAC job role
   codes). A code that no agreement could know is refused here rather than guessed.
3. Assurance is the lower of how well the identity was proven (``idassurancelevel``) and how well this sign-in was
   (``authentication_assurance_level``); None when neither is given, which the policy treats as too low.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.tokens.errors import TokenFault, TokenRefused
from governance.vocabulary import Role, ods_code

JOB_ROLES: Mapping[str, Role] = {
    "R0001": Role.IG_OFFICER,  # Privacy Officer
    "R0012": Role.RADIOGRAPHER,
    "R0014": Role.CONSULTANT_RADIOLOGIST,  # Radiologist
    "R0015": Role.PACS_ADMIN,
    "R0016": Role.REPORTING_RADIOGRAPHER,
    "R0030": Role.RESEARCHER,  # Professor
    "R0040": Role.RESEARCHER,  # Senior Lecturer
    "R0050": Role.CLINICIAN,  # Consultant
    "R0110": Role.CLINICIAN,  # Specialist Registrar
    "R0620": Role.NURSE,  # Staff Nurse
    "R1190": Role.RADIOGRAPHER,  # Radiographer, Diagnostic
    "R5105": Role.IG_OFFICER,  # Caldicott Guardian
    "R8000": Role.CLINICIAN,  # Clinical Practitioner Access Role
    "R8001": Role.NURSE,  # Nurse Access Role
    "R8008": Role.MDT_COORDINATOR,  # Admin and Clinical Support Access Role
}


@dataclass(frozen=True, slots=True)
class ActingRole:
    """The organisation somebody acts for, by ODS code, and the role they act in."""

    ods: str
    role: Role


def acting_role(claims: Mapping[str, Any]) -> ActingRole:
    """Find the role that was selected (rules 1 and 2); raises TokenRefused when there is none."""
    selected = claims.get("selected_roleid")
    roles = claims.get("nhsid_nrbac_roles")
    if not isinstance(selected, str) or not selected or not isinstance(roles, list):
        raise TokenRefused(TokenFault.ORGANISATION, "The identity token selects no role to act in.")
    chosen = [role for role in roles if isinstance(role, dict) and role.get("person_roleid") == selected]
    if len(chosen) != 1:
        raise TokenRefused(TokenFault.ORGANISATION, "The role the identity token selects is not among its roles.")
    return ActingRole(_organisation(chosen[0]), _role(chosen[0]))


def assurance(claims: Mapping[str, Any]) -> int | None:
    """Give the assurance of the identity, 1 to 3 (rule 3); raises TokenRefused for anything but a level."""
    given = [_level(claims[name]) for name in ("idassurancelevel", "authentication_assurance_level") if name in claims]
    return min(given) if given else None


def _organisation(role: Mapping[str, Any]) -> str:
    try:
        return ods_code(role.get("org_code", ""))
    except (TypeError, ValueError):
        raise TokenRefused(TokenFault.ORGANISATION, "The selected role has no ODS code.") from None


def _role(role: Mapping[str, Any]) -> Role:
    code = role.get("role_code")
    job = code.rsplit(":", 1)[-1] if isinstance(code, str) else ""
    if job not in JOB_ROLES:
        raise TokenRefused(TokenFault.ROLE, "The selected role is not one the network's agreements know.")
    return JOB_ROLES[job]


def _level(value: object) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if text not in {"0", "1", "2", "3"}:
        raise TokenRefused(TokenFault.CLAIM, "The identity token's assurance level is not 0 to 3.")
    return int(text)
