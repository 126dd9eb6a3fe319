"""Restrictions: each takes a world and a request and narrows one of them in place; none may ever open anything."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.worlds.policy import CLAUSE, NOW, changed
from tests.worlds.policy_worlds import Request, World

Restriction = Callable[[World, Request], None]
Narrow = Callable[[Any], Any]
NOT_CONDITIONS = frozenset(
    {"agreement", "version", "clause", "owners", "obligations", "token_seconds", "act_depth"}
)  # of a clause: what names it, and what a permit carries


@dataclass(frozen=True)
class OnClauses:
    """Narrows one term of every clause that has it."""

    path: str
    narrow: Narrow

    def __call__(self, world: World, _: Request) -> None:
        for changes in world["clauses"].values():
            value: Any = changed(CLAUSE, changes)
            for part in self.path.split("."):
                value = value.get(part, _NONE) if isinstance(value, Mapping) else _NONE
            if value is not _NONE:
                changes[self.path] = self.narrow(value)


_NONE = object()


@dataclass(frozen=True)
class OnRequest:
    """Narrows one attribute of the request, if it has it."""

    path: str
    narrow: Narrow

    def __call__(self, _: World, request: Request) -> None:
        *parents, last = self.path.split(".")
        inner: Any = request
        for parent in parents:
            inner = inner.get(parent) or {}
        if last in inner:
            inner[last] = self.narrow(inner[last])


def _suspend(world: World, _: Request) -> None:
    world["lapsed"], world["index"] = world["index"], {}


def _drop_agreement(world: World, _: Request) -> None:
    for by_owner in world["index"].values():
        for by_purpose in by_owner.values():
            for keys in by_purpose.values():
                keys[:] = keys[1:]


def _rest(values: list[Any] | None) -> list[Any] | None:
    return values[1:] if values else values


def _always(value: Any) -> Narrow:
    return lambda _: value


def _with(*labels: str) -> Narrow:
    return lambda held: None if held is None else sorted({*held, *labels})


def _half(hours: dict[str, int] | None) -> dict[str, int]:
    if hours is None:
        return {"from_minute": 480, "to_minute": 1080}
    begins = hours["from_minute"]
    return {"from_minute": begins, "to_minute": (begins + (hours["to_minute"] - begins) % 1440 // 2) % 1440}


def _less(number: int | None) -> int | None:
    return number - 1 if number else number


RESTRICTIONS: Mapping[str, Restriction] = {
    "suspend every agreement": _suspend,
    "drop one clause from the index": _drop_agreement,
    "begin the agreement tomorrow": OnClauses("effective_from", _always(NOW + 86_400)),
    "end the agreement": OnClauses("effective_to", _always(NOW)),
    "drop an action": OnClauses("actions", _rest),
    "drop a role": OnClauses("roles", _rest),
    "drop a service": OnClauses("services", _rest),
    "drop every AI service": OnClauses("ai", _always({})),
    "drop an AI version": OnClauses("ai.ich-triage.versions", _rest),
    "drop every AI modality": OnClauses("ai.ich-triage.modalities", _always([])),
    "drop every AI body part": OnClauses("ai.ich-triage.body_parts", _always([])),
    "use up the daily volume": OnClauses("ai.ich-triage.daily_volume", _always(0)),
    "drop a modality": OnClauses("modalities", _rest),
    "drop a body part": OnClauses("body_parts", _rest),
    "shorten the window": OnClauses("priors_days", lambda days: 30 if days is None else days // 2),
    "exclude a label more": OnClauses("excluded_labels", _with("sealed")),
    "exclude decoys": OnClauses("excluded_labels", _with("decoy")),
    "deny sensitive studies": OnClauses("sensitive", _always("deny")),
    "raise assurance": OnClauses("identity_assurance", lambda level: level + 1),
    "ask for a managed device": OnClauses("managed_device", _always(True)),
    "ask for training": OnClauses("training", _always(True)),
    "close by day": OnClauses("hours", _always({"from_minute": 0, "to_minute": 0})),
    "halve the hours": OnClauses("hours", _half),
    "require a relationship": OnClauses("relationship", _always("required")),
    "forbid break-glass": OnClauses("break_glass.allowed", _always(False)),
    "apply the opt-out": OnClauses("opt_out_applies", _always(True)),
    "forget what day it is": OnRequest("time.epoch", _always(None)),
    "forget the hour": OnRequest("time.minute_of_day", _always(None)),
    "forget the subject": OnRequest("subject.known", _always(None)),
    "forget the organisation": OnRequest("subject.organisation_known", _always(None)),
    "forget the role": OnRequest("subject.role", _always(None)),
    "weaken the identity": OnRequest("subject.assurance", _less),
    "let training lapse": OnRequest("subject.training_valid", _always(False)),
    "forget the training": OnRequest("subject.training_valid", _always(None)),
    "take the device away": OnRequest("subject.managed_device", _always(None)),
    "forget the AI version": OnRequest("subject.ai.version", _always(None)),
    "withdraw the AI approval": OnRequest("subject.ai.approved", _always(False)),
    "lose the manifest": OnRequest("subject.ai.manifest", _always(None)),
    "drop a manifest's trust": OnRequest("subject.ai.manifest.trusts", _rest),
    "drop a manifest's purpose": OnRequest("subject.ai.manifest.purposes", _rest),
    "drop a manifest's version": OnRequest("subject.ai.manifest.versions", _rest),
    "drop a manifest's modality": OnRequest("subject.ai.manifest.modalities", _rest),
    "drop a manifest's body part": OnRequest("subject.ai.manifest.body_parts", _rest),
    "lower the manifest's volume": OnRequest("subject.ai.manifest.daily_volume", _always(0)),
    "read more today": OnRequest("subject.ai.reads_today", lambda reads: None if reads is None else reads + 500),
    "ask for another action": OnRequest("action", _always("print")),
    "drop a custodian": OnRequest("resource.custodians", _rest),
    "forget the modality": OnRequest("resource.modality", _always(None)),
    "forget the body part": OnRequest("resource.body_part", _always(None)),
    "age the study": OnRequest("resource.age_days", lambda days: None if days is None else days + 500),
    "forget the study's age": OnRequest("resource.age_days", _always(None)),
    "seal the study": OnRequest("resource.labels", _with("sealed")),
    "make the study sensitive": OnRequest("resource.labels", _with("sensitive")),
    "make the study a decoy": OnRequest("resource.labels", _with("decoy")),
    "forget the labels": OnRequest("resource.labels", _always(None)),
    "drop a relationship": OnRequest("relationships", _rest),
    "drop every relationship": OnRequest("relationships", _always([])),
    "forget the opt-out": OnRequest("patient.opt_out", _always(None)),
    "opt out": OnRequest("patient.opt_out", _always(True)),
    "withdraw the emergency": OnRequest("context.break_glass_reason", _always(None)),
    "end the grants": OnRequest("grants", lambda _: []),
    "say nothing of the emergency": OnRequest("context.break_glass_reason", _always(" ")),
    "withdraw the claim": OnRequest("context.self_claim_reason", _always(None)),
}


def restricted(name: str, world: World, request: Request) -> tuple[World, Request]:
    """Give copies of a world and a request with one restriction more."""
    narrowed = copy.deepcopy(world), copy.deepcopy(request)
    RESTRICTIONS[name](*narrowed)
    return narrowed
