"""The design system's files as the console serves them: whole, and asking nothing of anybody."""

from pathlib import Path

import pytest

from governance.console.assets import PACKAGE, build, local_style_sheet

CSS = (
    '@charset "UTF-8";@font-face{font-family:F;src:url(https://fonts.example/f.woff2)}a{color:red}'
    ".i{background:url(/assets/images/i.svg)}.j{background:url('/assets/images/j.svg')}"
    "/*# sourceMappingURL=nhsuk-frontend.min.css.map */"
)


def test_fonts_go_icons_stay_and_maps_go() -> None:
    assert local_style_sheet(CSS) == (
        '@charset "UTF-8";a{color:red}'
        ".i{background:url(assets/images/i.svg)}.j{background:url('assets/images/j.svg')}"
    )


@pytest.mark.parametrize("reference", ["url(https://x.example/a.png)", "url('//x.example/a.png')", 'url("http://x/")'])
def test_a_style_sheet_that_asks_another_host_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match="another host"):
        local_style_sheet(f"a{{background:{reference}}}")


def package(folder: Path) -> Path:
    """Make a package with the files the console needs."""
    (folder / "assets" / "images").mkdir(parents=True)
    (folder / "assets" / "images" / "i.svg").write_text("<svg/>")
    (folder / "nhsuk-frontend.min.css").write_text(CSS)
    (folder / "nhsuk-frontend.min.js").write_text("export{};//# sourceMappingURL=x.map\n")
    return folder


def test_building_replaces_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "vendor"
    target.mkdir()
    (target / "stale.css").write_text("old")
    build(package(tmp_path / "package"), target)
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()) == [
        "assets/images/i.svg",
        "nhsuk-frontend.min.css",
        "nhsuk-frontend.min.js",
    ]
    assert "sourceMappingURL" not in (target / "nhsuk-frontend.min.js").read_text()


def test_a_missing_package_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "vendor"
    build(package(tmp_path / "package"), target)
    with pytest.raises(FileNotFoundError):
        build(tmp_path / "nothing", target)
    assert (target / "nhsuk-frontend.min.css").is_file()


def test_the_lock_names_one_package_its_hash_and_no_host() -> None:
    root = Path(__file__).resolve().parents[3]
    lock = (root / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "http" not in lock
    assert '"integrity": "sha512-' in lock


def test_the_real_package_builds(tmp_path: Path) -> None:
    assert PACKAGE.is_dir(), "run make assets first"
    build(PACKAGE, tmp_path / "vendor")
    made = (tmp_path / "vendor" / "nhsuk-frontend.min.css").read_text()
    assert "@font-face" not in made
    assert "url(/assets" not in made
