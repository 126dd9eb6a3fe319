"""Side-by-side measurements: each runs ours and a yardstick in turn on the same machine and prints a ratio."""
