"""The reasons people give when they break the glass: few words, often alike, as in life."""

from random import Random

_WHO = ("Pt", "Patient", "pt", "Patient in ED resus", "Transfer in", "Pt in resus", "Trauma call", "Stroke call")
_WHAT = (
    "unconscious, need previous imaging",
    "acutely unwell, comparison needed",
    "deteriorating, on-call review",
    "? PE, need to see previous CT",
    "GCS dropping, previous CT head needed",
    "confused, no history available",
    "for theatre, prior scans needed",
    "thrombolysis decision",
    "transferred without images",
    "arrest call, history needed",
    "sepsis, source unclear",
)
_END = ("", "", ".", " urgently", " - d/w consultant", " - reg on call", ", relatives not reachable")


def emergency(rng: Random) -> str:
    """Write the reason of an emergency."""
    return f"{rng.choice(_WHO)} {rng.choice(_WHAT)}{rng.choice(_END)}"


def copied(rng: Random) -> str:
    """Write the kind of reason that is used again and again."""
    return rng.choice(("review", "clinical need", "urgent review", "Pt review", "needed for care"))
