"""AI services: what each is approved for, in which versions, and how it shows in events."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Service:
    """An AI service; ``approved`` is the day number from which each version may be used."""

    id: str
    ods: str
    agreement: str
    modality: str
    body_part: str
    trusts: tuple[str, ...]
    versions: dict[str, int]
    version: str
    daily_volume: int
    share: float  # of the studies it is meant for

    def reads(self, modality: str, body_part: str, ods: str) -> bool:
        """Say whether it is approved for such studies."""
        return (modality, body_part) == (self.modality, self.body_part) and ods in self.trusts

    def subject(self, device: str = "") -> dict[str, Any]:
        """Give the subject of its events."""
        return {
            "id": self.id,
            "type": "ai_service",
            "role": "ai_service",
            "ods": self.ods,
            "version": self.version,
            "device": device or f"{self.id}-node-1",
        }
