"""A small picture of an alert: bars of what was seen, a line over each where peers are; sizes only, no markup."""

from dataclasses import dataclass

from governance.alerts import Picture

WIDTH, HEIGHT = 620, 120
_GAP = 2


@dataclass(frozen=True, slots=True)
class DrawnBar:
    """One bar as it is drawn: place and size in the picture's own units; ``usual_y`` None where nothing is usual."""

    x: float
    y: float
    width: float
    height: float
    usual_y: float | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture as it is drawn, and the data it was drawn from; ``summary`` says the same in one sentence."""

    picture: Picture
    bars: tuple[DrawnBar, ...]
    summary: str
    width: int = WIDTH
    height: int = HEIGHT


def drawing_of(picture: Picture | None) -> Drawing | None:
    """Draw a picture; None when there is none, or nothing in it."""
    if picture is None or not picture.bars:
        return None
    highest = max(max(bar.seen, bar.usual or 0.0) for bar in picture.bars) or 1.0
    room = WIDTH / len(picture.bars)

    def at(value: float) -> float:
        return round(HEIGHT * (1 - max(value, 0.0) / highest), 1)

    drawn = tuple(
        DrawnBar(
            x=round(place * room, 1),
            y=at(bar.seen),
            width=round(max(room - _GAP, 1.0), 1),
            height=round(HEIGHT - at(bar.seen), 1),
            usual_y=None if bar.usual is None else at(bar.usual),
        )
        for place, bar in enumerate(picture.bars)
    )
    return Drawing(picture, drawn, _summary(picture))


def _summary(picture: Picture) -> str:
    """Say what the picture shows: its highest bar, and what was usual then."""
    highest = max(picture.bars, key=lambda bar: bar.seen)
    usual = "" if highest.usual is None else f", where {highest.usual:g} is usual"
    return f"The most was {highest.seen:g} {picture.unit} ({highest.label}){usual}."
