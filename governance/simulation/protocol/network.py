"""What an operator registers of the region before anything is sent: trusts, AI manifests, agreements."""

from datetime import timedelta
from typing import Any

from governance.simulation.protocol.acting.acts import CROSS_TRUST, DIRECT_CARE
from governance.simulation.protocol.folk.services import Service
from governance.simulation.protocol.region import Region
from governance.simulation.protocol.scenarios.across import NIGHT_COVER

_LONG = 3 * 365  # days
_ROLES = ["consultant_radiologist", "radiographer", "reporting_radiographer", "clinician", "nurse", "mdt_coordinator"]


def network(region: Region) -> dict[str, Any]:
    """Give the region's trusts, decision points, AI services with their manifests, and agreements."""
    first = region.plan.first_day
    ends = first + timedelta(days=region.plan.warm_up + 3)
    names = [trust.ods for trust in region.trusts]
    pair = names[:2]
    long = (first - timedelta(days=200), first + timedelta(days=_LONG))
    agreements = [
        _agreement(DIRECT_CARE, "Imaging for direct care", names, long),
        _agreement(CROSS_TRUST, "Shared imaging between trusts", names, long),
        _agreement(NIGHT_COVER, "Night cover of reporting", pair, (first - timedelta(days=200), ends)),
        *(_for_service(service, long) for service in region.services),
    ]
    return {
        "trusts": [{"ods": trust.ods, "name": trust.name} for trust in region.trusts],
        "sources": sorted(name for trust in region.trusts for name in (trust.archive, trust.decisions)),
        "services": [
            {
                "id": service.id,
                "ods": service.ods,
                "modality": service.modality,
                "body_part": service.body_part,
                "trusts": list(service.trusts),
                "daily_volume": service.daily_volume,
                "versions": {
                    version: (first + timedelta(days=day)).isoformat() + "T07:00:00Z"
                    for version, day in service.versions.items()
                },
            }
            for service in region.services
        ],
        "agreements": agreements,
    }


def _agreement(name: str, title: str, trusts: list[str], days: tuple[Any, Any], **clause: Any) -> dict[str, Any]:
    return {
        "id": name,
        "version": 1,
        "title": title,
        "parties": [{"ods": ods, "role": "joint"} for ods in trusts],
        "direction": {"owners": trusts, "recipients": trusts},
        "lawful_basis": {"article_6": "6(1)(e)", "article_9": "9(2)(h)", "confidentiality": "implied_consent"},
        "effective": {"from": days[0].isoformat(), "to": days[1].isoformat()},
        "review_date": (days[1] - timedelta(days=30)).isoformat(),
        "dpia": "DPIA-Z-001",
        "retention": {"class": "health_record", "years": 8},
        "clauses": [_clause() | clause],
    }


def _clause() -> dict[str, Any]:
    return {
        "id": "1",
        "text": "Those who care for a patient may find and read the patient's images.",
        "purposes": ["TREAT", "CAREMGT"],
        "actions": ["search", "read", "report", "annotate"],
        "recipients": {"roles": _ROLES},
        "data": {
            "modalities": ["*"],
            "body_parts": ["*"],
            "level": "identifiable",
            "priors_days": 3650,
            "excluded_labels": [],
            "sensitive": "break_glass",
        },
        "conditions": {
            "identity_assurance": 2,
            "managed_device": False,
            "relationship": "required",
            "training": True,
        },
        "break_glass": {
            "allowed": True,
            "minutes": 30,
            "notify": ["owner_privacy_officer", "recipient_privacy_officer"],
            "review_share": 0.1,
        },
        "opt_out": {"applies": False, "exempt_because": "direct care"},
        "token": {"seconds": 120, "act_depth": 0},
    }


def _for_service(service: Service, days: tuple[Any, Any]) -> dict[str, Any]:
    title = f"{service.modality} {service.body_part} read by {service.id}"
    trusts = sorted({*service.trusts, service.ods})
    return _agreement(service.agreement, title, trusts, days)
