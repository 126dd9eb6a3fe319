"""Random agreements, compiled as the service compiles them, and requests aimed at their clauses: many, and fast.

A request starts as one that a clause permits; then a few attributes are changed. So permits, each way to be refused and
the emergency all come up in good measure. One seed gives one sequence.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from governance.agreements import PolicyData
from governance.agreements.compilation import Compilable, compile_policy
from governance.agreements.documents import check
from governance.vocabulary import Action, AgreementStatus, Label, Modality, Purpose, RelationshipKind, Role
from tests.worlds.agreements import document
from tests.worlds.policy import NOW

TRUSTS = ("RBK", "RKB", "RL4", "RNA", "RRK", "RXW")
DIRECT_CARE = ("BTG", "CAREMGT", "ETREAT", "TREAT")
PURPOSES = tuple(purpose.value for purpose in Purpose)
ACTIONS = tuple(action.value for action in Action)
STAFF = tuple(role.value for role in Role if role not in {Role.AI_SERVICE, Role.SERVICE})
MODALITIES = tuple(modality.value for modality in Modality)
BODY_PARTS = ("ABDOMEN", "CHEST", "HEAD", "KNEE")
LABELS = tuple(label.value for label in Label)
KINDS = tuple(kind.value for kind in RelationshipKind)
SERVICES = ("archive", "reporting", "viewer")
AI_SERVICES = ("ich-triage", "pe-triage")
VERSIONS = ("1.0.0", "2.0.0", "2.1.0")
OBLIGATIONS = ("mask", "no_download", "watermark")
OFFICES = ("owner_caldicott_guardian", "owner_privacy_officer", "recipient_privacy_officer")
_STATUSES = ["active"] * 6 + ["suspended", "expired", "terminated", "signed"]
Request = dict[str, Any]


class Sampler(random.Random):
    """A source of agreements and of requests."""

    def some(self, values: Sequence[Any], least: int = 1) -> list[Any]:
        """Give some of the values, in their order."""
        chosen = set(self.sample(range(len(values)), self.randint(least, len(values))))
        return [value for number, value in enumerate(values) if number in chosen]

    def chance(self, share: float) -> bool:
        """Say yes this often."""
        return self.random() < share

    def policy(self) -> PolicyData:
        """Give the policy data of one to six agreements, most of them in force."""
        found = []
        for number in range(self.randint(1, 6)):
            checked = check(self._agreement(f"agreement-{number}"))
            status = AgreementStatus(self.choice(_STATUSES))
            found.append(Compilable(checked.agreement, status, self.chance(0.95)))
        return compile_policy(found)

    def _agreement(self, name: str) -> dict[str, Any]:
        today = datetime.fromtimestamp(NOW, UTC).date()
        begins = today + timedelta(days=self.choice([-400, -30, -1, 0, 0, 1]))
        ends = max(begins, today + timedelta(days=self.choice([-1, 0, 0, 1, 30, 400])))
        owners, recipients = self.some(TRUSTS), self.some(TRUSTS)
        return document(
            id=name,
            version=self.randint(1, 9),
            parties=[{"ods": ods, "role": "joint"} for ods in sorted({*owners, *recipients})],
            direction={"owners": owners, "recipients": recipients},
            lawful_basis={"article_6": "6(1)(e)", "article_9": "9(2)(h)", "confidentiality": "statutory_duty"},
            effective={"from": str(begins), "to": str(ends)},
            review_date=str(begins),
            clauses=[self._clause(f"{number}.1") for number in range(1, self.randint(2, 4))],
        )

    def _clause(self, name: str) -> dict[str, Any]:
        care = self.chance(0.6)
        purposes = self.some(DIRECT_CARE if care else [one for one in PURPOSES if one not in DIRECT_CARE])
        allowed = "BTG" in purposes or self.chance(0.6)
        sensitive = "break_glass" if allowed and self.chance(0.7) else "deny"
        labels = self.some([one for one in LABELS if (one, sensitive) != ("sensitive", "break_glass")], 0)
        modalities = ["*"] if self.chance(0.4) else self.some(MODALITIES)
        parts = ["*"] if self.chance(0.5) else self.some(BODY_PARTS)
        recipients = self._recipients(modalities, parts)
        exempt = care or self.chance(0.2)
        return {
            "id": name,
            "text": "A clause.",
            "purposes": purposes,
            "actions": self.some(ACTIONS),
            "recipients": recipients,
            "data": {
                "modalities": modalities,
                "body_parts": parts,
                "level": "identifiable",
                "priors_days": self.choice([None, 1, 30, 365, 3650]),
                "excluded_labels": labels if self.chance(0.4) else [],
                "sensitive": sensitive,
            },
            "conditions": self._conditions(care=care),
            "break_glass": {"allowed": True, "minutes": 30, "notify": self._offices(), "review_share": 0.5}
            if allowed
            else {"allowed": False},
            "opt_out": {"applies": False, "exempt_because": "set out"} if exempt else {"applies": True},
            "token": {"seconds": self.randint(1, 5), "act_depth": 0 if "ai_services" in recipients else 1},
        }

    def _offices(self) -> list[str]:
        return sorted({*self.some(OFFICES, 0), self.choice(OFFICES[:2])})

    def _recipients(self, modalities: list[str], parts: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {"roles": self.some(STAFF)}
        if self.chance(0.5):
            found["services"] = self.some(SERVICES)
        if self.chance(0.7):
            found["ai_services"] = [
                {
                    "id": name,
                    "versions": self.some(VERSIONS),
                    "modalities": modalities if self.chance(0.7) else [self.choice(_open(modalities, MODALITIES))],
                    "body_parts": parts if self.chance(0.7) else [self.choice(_open(parts, BODY_PARTS))],
                    "daily_volume": self.choice([1, 10, 500]),
                }
                for name in self.some(AI_SERVICES)
            ]
        return found

    def _conditions(self, *, care: bool) -> dict[str, Any]:
        begins, ends = self.sample(range(24), 2)
        found: dict[str, Any] = {
            "identity_assurance": self.randint(1, 3),
            "managed_device": self.chance(0.5),
            "relationship": self.choice(["required", "self_claim" if care else "required", "not_required"]),
            "training": self.chance(0.5),
            "obligations": [{"type": one, "properties": {"n": 1}} for one in self.some(OBLIGATIONS, 0)],
        }
        if self.chance(0.3):
            found["hours"] = {"from": f"{begins:02}:30", "to": f"{ends:02}:00"}
        return found

    def request(self, data: PolicyData) -> Request:
        """Give a request that a clause would permit, with a few things changed."""
        terms, requester, custodian, purpose = self._aim(data)
        request = self._fitting(terms, requester, custodian, purpose)
        for change in self.sample(_CHANGES, self.choice([0, 0, 0, 1, 1, 2, 3])):
            change(self, request)
        if terms and terms["relationship"] == "self_claim" and self.chance(0.25):
            _no_tie(self, request)
        if self.chance(0.3):
            self.choice([_age, _labels, _no_tie])(self, request)
            request["context"]["break_glass_reason"] = self.choice(["cardiac arrest", "cardiac arrest", "", " "])
        if terms and self.chance(0.15):
            _no_tie(self, request)
            request["grants"] = [self._grant(terms)]
        return request

    def _grant(self, terms: Mapping[str, Any]) -> dict[str, Any]:
        """Give an emergency grant under a clause; now and then one that is over."""
        key = f"{terms['agreement']}/{terms['clause']}"
        return {"id": "g-1", "clause": key, "since": NOW - 60, "until": NOW + self.choice([300, 300, 300, -1])}

    def _aim(self, data: PolicyData) -> tuple[Mapping[str, Any] | None, str, str, str]:
        """Choose a clause and a way in which it is reached."""
        index = data.document["lapsed" if self.chance(0.05) else "index"]
        ways = [
            (requester, custodian, purpose)
            for requester, by_owner in index.items()
            for custodian, by_purpose in by_owner.items()
            for purpose in by_purpose
        ]
        if not ways or self.chance(0.02):
            return None, self.choice(TRUSTS), self.choice(TRUSTS), self.choice(PURPOSES)
        requester, custodian, purpose = self.choice(ways)
        return (
            data.document["clauses"][self.choice(index[requester][custodian][purpose])],
            requester,
            custodian,
            purpose,
        )

    def _fitting(self, terms: Mapping[str, Any] | None, requester: str, custodian: str, purpose: str) -> Request:
        terms = terms or _NO_TERMS
        hours = terms["hours"]
        tie = self.choice(["order", "worklist", "episode", "mdt", "referral", "report", "rota"])
        return {
            "time": {"epoch": NOW, "minute_of_day": hours["from_minute"] if hours else self.randrange(1440)},
            "subject": self._subject(terms, requester, custodian, purpose),
            "action": self.choice(terms["actions"]),
            "purpose": purpose,
            "resource": {
                "known": True,
                "custodians": [custodian],
                "modality": self.choice(_open(terms["modalities"], MODALITIES)),
                "body_part": self.choice(_open(terms["body_parts"], BODY_PARTS)),
                "age_days": self.randint(0, terms["priors_days"] or 4000),
                "labels": [],
                "patient_known": True,
            },
            "patient": {"opt_out": False if terms["opt_out_applies"] else self.choice([False, True, None])},
            "relationships": [{"kind": tie, "age_days": self.choice([0, 3, 400]), "of_study": False}],
            "context": {"break_glass_reason": None, "self_claim_reason": None},
            "grants": [],
        }

    def _subject(self, terms: Mapping[str, Any], requester: str, custodian: str, purpose: str) -> dict[str, Any]:
        found = {"ods": requester, "known": True, "organisation_known": True, "ai": None}
        unproven = {"assurance": None, "training_valid": None, "managed_device": True}
        if terms["ai"] and self.chance(0.3):
            name = self.choice(sorted(terms["ai"]))
            agreed = terms["ai"][name]
            manifest = {
                "versions": list(VERSIONS),
                "modalities": ["*"],
                "body_parts": ["*"],
                "trusts": [custodian, requester],
                "purposes": [purpose],
                "daily_volume": 400,
            }
            version = self.choice(agreed["versions"])
            ai = {"version": version, "approved": True, "manifest": manifest, "reads_today": 0}
            return {"id": name, "type": "ai_service", "role": "ai_service", **found, **unproven, "ai": ai}
        if terms["services"] and self.chance(0.2):
            return {"id": self.choice(terms["services"]), "type": "service", "role": "service", **found, **unproven}
        proven = {
            "assurance": self.randint(terms["identity_assurance"], 3),
            "training_valid": True if terms["training"] else self.choice([True, False, None]),
            "managed_device": True if terms["managed_device"] else self.choice([True, False, None]),
        }
        role = self.choice(terms["roles"])
        return {"id": "s-aaaaaaaaaaaaaaaaaaaaaaaaaa", "type": "practitioner", "role": role, **found, **proven}


_NO_TERMS: Mapping[str, Any] = {
    "actions": ACTIONS,
    "ai": {},
    "body_parts": ["*"],
    "hours": None,
    "identity_assurance": 1,
    "managed_device": False,
    "modalities": ["*"],
    "opt_out_applies": False,
    "priors_days": None,
    "roles": STAFF,
    "services": SERVICES,
    "training": False,
}


def _open(listed: Sequence[str], every: Sequence[str]) -> Sequence[str]:
    return every if "*" in listed else listed


# Changes. Each gives one attribute of a request another value, in place.


def _set(path: str, *values: Any) -> Any:
    *parents, last = path.split(".")

    def change(sampler: Sampler, request: Request) -> None:
        inner: Any = request
        for parent in parents:
            inner = inner.get(parent)
            if inner is None:
                return
        inner[last] = sampler.choice(values)

    return change


def _labels(sampler: Sampler, request: Request) -> None:
    request["resource"]["labels"] = sampler.some(LABELS)


def _custodians(sampler: Sampler, request: Request) -> None:
    request["resource"]["custodians"] = sorted({*request["resource"]["custodians"], *sampler.some(TRUSTS)})


def _ties(sampler: Sampler, request: Request) -> None:
    request["relationships"] = [
        {"kind": kind, "age_days": sampler.randint(0, 4000), "of_study": sampler.chance(0.3)}
        for kind in sampler.choices(KINDS, k=sampler.randint(0, 3))
    ]


def _no_tie(sampler: Sampler, request: Request) -> None:
    request["relationships"] = []
    request["context"]["self_claim_reason"] = sampler.choice([None, "on call", "on call", ""])


def _age(sampler: Sampler, request: Request) -> None:
    request["resource"]["age_days"] = 9000


def _open_search(sampler: Sampler, request: Request) -> None:
    nothing = {"known": False, "modality": None, "body_part": None, "age_days": None}
    request["action"] = "search"
    request["resource"] |= nothing


_CHANGES = (
    _set("time.epoch", NOW - 86_400, NOW + 86_400, NOW + 400 * 86_400),
    _set("time.minute_of_day", 0, 479, 480, 720, 1080, 1439),
    _set("subject.role", *STAFF, None),
    _set("subject.id", *SERVICES, *AI_SERVICES, "s-bbbbbbbbbbbbbbbbbbbbbbbbbb"),
    _set("subject.ods", *TRUSTS),
    _set("subject.known", False, None),
    _set("subject.organisation_known", False, None),
    _set("subject.assurance", None, 1, 2),
    _set("subject.training_valid", False, None),
    _set("subject.managed_device", False, None),
    _set("subject.ai.version", *VERSIONS, "9.9.9", None),
    _set("subject.ai.approved", False, None),
    _set("subject.ai.manifest", None),
    _set("subject.ai.reads_today", 1, 9, 10, 399, 400, None),
    _set("subject.ai.manifest.trusts", *([one] for one in TRUSTS)),
    _set("subject.ai.manifest.purposes", *([one] for one in PURPOSES)),
    _set("subject.ai.manifest.modalities", ["CT"], ["CT", "MR"]),
    _set("subject.ai.manifest.body_parts", ["HEAD"], ["CHEST", "HEAD"]),
    _set("action", *ACTIONS),
    _set("purpose", *PURPOSES),
    _set("resource.known", False),
    _set("resource.custodians", [], [""], *([one] for one in TRUSTS)),
    _set("resource.modality", *MODALITIES, None),
    _set("resource.body_part", *BODY_PARTS, None),
    _set("resource.age_days", 0, 1, 2, 30, 31, 365, 366, 3650, 3651, 9000, None),
    _set("patient.opt_out", True, None),
    _labels,
    _labels,
    _custodians,
    _ties,
    _no_tie,
    _no_tie,
    _open_search,
)
