"""The chief figures as one picture (SVG): recall against alerts, for the service and its baselines, and by scenario."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from governance.simulation.evaluation.intervals import Share
from governance.simulation.evaluation.pooling import Pooled, Result, pooled

_WIDTH, _LEFT, _PLOT = 900, 210, 640
_ROW = 22
_SCATTER = 300
_STYLE = (
    "text{font:13px sans-serif;fill:#212b32}.t{font-size:16px;font-weight:bold}.g{stroke:#d8dde0}"
    ".o{fill:#005eb8}.b{fill:#768692}.i{stroke:#005eb8;stroke-width:2}"
)


def chart(results: Sequence[Result]) -> str:
    """Draw the mixes in which something was wrong, one below the other."""
    parts: list[str] = []
    top = 20
    for one in pooled(results):
        if one.recall().total:
            drawn = list(_mix(one, top))
            parts += drawn
            top += _SCATTER + 90 + _ROW * len(one.scenarios())
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>"]) + "\n"


def _mix(one: Pooled, top: int) -> Iterator[str]:
    yield f'<text class="t" x="20" y="{top}">{escape(one.mix)}: strict recall and alerts of 10,000 looks</text>'
    points = [("this service", one.rate(), one.recall(), "o")]
    points += [(name, *one.baseline(name)[:2], "b") for name in one.results[0]["baselines"]]
    base = top + _SCATTER
    for step in range(5):
        y = base - step * (_SCATTER - 40) / 4
        yield f'<line class="g" x1="{_LEFT}" x2="{_LEFT + _PLOT}" y1="{y:.0f}" y2="{y:.0f}"/>'
        yield f'<text x="{_LEFT - 40}" y="{y + 4:.0f}">{step / 4:.2f}</text>'
    for power in range(-1, 4):
        x = _place(10.0**power)
        yield f'<text x="{x:.0f}" y="{base + 20}">{10.0**power:g}</text>'
    for name, rate, recall, style in points:
        x, y = _place(rate), base - (recall.value or 0.0) * (_SCATTER - 40)
        yield f'<circle class="{style}" cx="{x:.0f}" cy="{y:.0f}" r="5"/>'
        yield f'<text x="{x + 8:.0f}" y="{y + 4:.0f}">{escape(name)}</text>'
    for number, name in enumerate(one.scenarios()):
        yield from _bar(name, one.recall(name), base + 50 + number * _ROW)


def _bar(name: str, share: Share, y: int) -> Iterator[str]:
    low, high = share.interval
    value = share.value or 0.0
    yield f'<text x="20" y="{y}">{escape(name)} ({share.hits}/{share.total})</text>'
    ends = [_LEFT + 40 + part * (_PLOT - 40) for part in (low, high, value)]
    yield f'<line class="i" x1="{ends[0]:.0f}" x2="{ends[1]:.0f}" y1="{y - 4}" y2="{y - 4}"/>'
    yield f'<circle class="o" cx="{ends[2]:.0f}" cy="{y - 4}" r="5"/>'


def _place(rate: float) -> float:
    """Place a rate on the logarithmic axis from 0.1 to 1,000."""
    return _LEFT + _PLOT * (math.log10(min(max(rate, 0.1), 1_000)) + 1) / 4.4
