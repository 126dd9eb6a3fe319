"""Registered services, the public keys they prove themselves with, and the manifests of AI services."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.vocabulary import Attestation, Purpose, SubjectType

EVERY_TRUST = "*"
WHOLE_REGION = "region"  # in ``writes_for``: every trust, and what is the region's own; no ODS code is written so


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """A service that may ask for decisions and tokens.

    ``kind`` is service or ai_service. ``jwks`` is the public JWK set (RFC 7517) it signs client assertions with.
    ``scopes`` bound what it may do here, ``audiences`` whom it may ask tokens for. ``ai_version`` is the version an AI
    service runs. ``token_audience`` is set for an archive: the audience that tokens for it carry; ``ods`` is then the
    custodian whose images it holds. ``asks_for`` are the trusts (``EVERY_TRUST``: all of them) whose people it may ask
    about beside its own trust's. ``attests`` is what counts when it says it of the people it answers for: how strongly
    they signed in, and whether their device is managed. ``writes_for`` names the trusts beside ``ods`` whose rows of
    the registers it may write, or :data:`WHOLE_REGION`; the scopes say which registers.
    ``origins`` are the web origins (RFC 6454) of its pages, which a browser lets read our answers.
    """

    client_id: str
    ods: str
    name: str
    kind: SubjectType
    jwks: Mapping[str, Any]
    scopes: frozenset[str] = frozenset()
    audiences: tuple[str, ...] = ()
    ai_version: str | None = None
    token_audience: str | None = None
    asks_for: frozenset[str] = frozenset()
    attests: frozenset[Attestation] = frozenset()
    writes_for: frozenset[str] = frozenset()
    origins: tuple[str, ...] = ()

    def may_ask_about(self, ods: str | None) -> bool:
        """Say whether it may ask about the people and services of an organisation."""
        return ods is not None and (ods == self.ods or not self.asks_for.isdisjoint({ods, EVERY_TRUST}))

    @property
    def archive(self) -> bool:
        """Say whether tokens can be addressed to it."""
        return self.token_audience is not None


@dataclass(frozen=True, slots=True)
class AiManifest:
    """What one version of an AI service was assessed for, and whether it is approved.

    ``service_id`` is the client id. ``modalities`` and ``body_parts`` are DICOM code strings, ``trusts`` the custodians
    whose images it may read, ``daily_volume`` the studies it may read in a day. It is approved from ``approved_at`` to
    ``withdrawn_at``.
    """

    service_id: str
    version: str
    modalities: frozenset[str]
    body_parts: frozenset[str]
    trusts: frozenset[str]
    purposes: frozenset[Purpose]
    daily_volume: int
    approved_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def approved(self) -> bool:
        """Say whether it is approved now."""
        return self.approved_at is not None and self.withdrawn_at is None

    def approved_on(self, at: datetime) -> bool:
        """Say whether it was approved at an instant, as far as its last approval tells."""
        if self.approved_at is None or at < self.approved_at:
            return False
        return self.withdrawn_at is None or at < self.withdrawn_at
