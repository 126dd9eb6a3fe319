"""The one form in which a measurement is printed."""


def line(name: str, ours: float, theirs: float, note: str = "") -> None:
    """Print ``name ours theirs ratio``; the ratio is ours over theirs."""
    print(f"{name:<48} {ours:>12,.1f} {theirs:>12,.1f} {ours / theirs:>8.2f}  {note}", flush=True)
