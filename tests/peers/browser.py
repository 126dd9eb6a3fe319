"""The system's Chromium, and one window of it: the page, and what the browser complained about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60_000  # milliseconds: how long a busy machine may take before a missing page is a fault
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)


@dataclass
class Visit:
    """One page in one browser window, and what the browser complained about."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> int:
        """Open a path and give the status."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        return answer.status

    def heard(self, message: ConsoleMessage) -> None:
        """Keep what the browser's console says is wrong."""
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium without its background traffic."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()
