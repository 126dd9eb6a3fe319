"""Ten thousand random tamperings with the database of a log: ``python -m benchmarks.log_tampering [HOW MANY [SEED]]``.

Exit status 1 when one of them went unseen, or its first bad entry was not named. CI makes 520 (tests/faults).
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from governance.storage import Database, migrate
from tests.worlds.log import some_event
from tests.worlds.tampering import build, run


def main(how_many: int, seed: int) -> int:
    """Tamper, and print a line a kind."""
    begun, made, missed = time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder}/template.sqlite")
        migrate.upgrade(database)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.dispose()
        world = build(folder, folder / "template.sqlite", some_event)
        for one in run(world, folder, seed, how_many):
            made[one.name] += 1
            if not one.found:
                missed += 1
                print(f"MISSED {one.number} {one.name}, first bad entry {one.first}:", *one.report.lines(), sep="\n  ")
    for kind, times in sorted(made.items()):
        print(f"{times:6}  {kind}")
    print(f"{how_many} tamperings, {missed} missed, {time.monotonic() - begun:.0f} s, seed {seed}")
    return 1 if missed else 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*given, *(10_000, 1)[len(given) :]))
