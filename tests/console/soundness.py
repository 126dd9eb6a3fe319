"""What every page keeps: axe finds nothing, the browser complains of nothing, nothing overflows, no inline style.

With ``CONSOLE_SHOTS`` set to a folder, a picture of each page that is checked is kept there, to be looked at.
"""

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

from tests.peers.browser import Visit

SHOTS = os.environ.get("CONSOLE_SHOTS")


def check(visit: Visit, name: str, width: int) -> None:
    """Hold the page that is open to the rules every page keeps."""
    visit.page.wait_for_load_state("networkidle")
    visit.page.evaluate("document.querySelectorAll('details').forEach(folded => { folded.open = true; })")
    broken = Axe().run(visit.page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in broken] == []
    across = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert across <= 0
    assert visit.complaints == []
    assert visit.page.evaluate("document.querySelectorAll('[style]').length") == 0
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        visit.page.screenshot(path=f"{SHOTS}/{name}-{width}.png", full_page=True)
