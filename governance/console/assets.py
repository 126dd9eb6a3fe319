"""Put the NHS design system's style sheet, script and icons where the console serves them.

1. The package manager's lock names the one package and its integrity hash; nothing here reaches the network.
2. ``@font-face`` blocks are removed: they ask a public host for a typeface that needs a licence. The style sheet falls
   back to Arial.
3. The style sheet names its icons by an absolute path; it is rewritten to where they are copied, relative to itself.
4. Source maps are not shipped, so their comments are cut.

Run ``python -m governance.console.assets`` after ``npm ci --ignore-scripts``.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "node_modules" / "nhsuk-frontend" / "dist" / "nhsuk"
TARGET = Path(__file__).resolve().parent / "static" / "vendor"

_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
_ICON_PATH = re.compile(r"url\((['\"]?)/assets/")
_CSS_MAP = re.compile(r"/\*# sourceMappingURL=.*?\*/")
_JS_MAP = re.compile(r"//# sourceMappingURL=.*$", re.MULTILINE)
_OUTSIDE = re.compile(r"url\(['\"]?(?:https?:)?//")


def local_style_sheet(text: str) -> str:
    """Take the package's CSS and give one that asks for nothing outside its own folder.

    Raises ValueError when a reference to another host is left.
    """
    text = _CSS_MAP.sub("", _ICON_PATH.sub(r"url(\1assets/", _FONT_FACE.sub("", text)))
    if _OUTSIDE.search(text):
        raise ValueError("the style sheet still refers to another host")
    return text


def build(package: Path, target: Path) -> None:
    """Copy the style sheet, the script and the assets of ``package`` into ``target``, replacing what was there.

    Raises FileNotFoundError when the package is not installed.
    """
    style_sheet = (package / "nhsuk-frontend.min.css").read_text(encoding="utf-8")
    script = (package / "nhsuk-frontend.min.js").read_text(encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(package / "assets", target / "assets")
    (target / "nhsuk-frontend.min.css").write_text(local_style_sheet(style_sheet), encoding="utf-8")
    (target / "nhsuk-frontend.min.js").write_text(_JS_MAP.sub("", script), encoding="utf-8")


def main() -> int:
    """Build the console's vendor folder; 1 and a sentence when the package is not installed."""
    try:
        build(PACKAGE, TARGET)
    except FileNotFoundError as missing:
        sys.stderr.write(f"{missing.filename} is missing: run npm ci --ignore-scripts first\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
