"""The documentation names only what exists: functions, pages, files."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
NAME = re.compile(r"`(temgrains(?:\.\w+)+)(?:\(.*?\))?`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def resolve(name: str) -> object:
    """The module, class or function of a dotted name."""
    parts = name.split(".")
    found: object = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], start=2):
        try:
            found = importlib.import_module(".".join(parts[:i]))
        except ModuleNotFoundError:
            found = getattr(found, part)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_the_documentation_exist(page: Path):
    for name in sorted(set(NAME.findall(page.read_text(encoding="utf-8")))):
        if name.split(".")[1] in {"gui", "training"}:
            pytest.importorskip("napari" if ".gui" in name else "lightning", reason=f"{name} needs an extra")
        resolve(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_in_the_documentation_lead_somewhere(page: Path):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page():
    listed = re.findall(r": ([\w/-]+\.md)$", (REPOSITORY / ".mkdocs.yml").read_text(encoding="utf-8"), re.M)
    docs = REPOSITORY / "docs"
    assert sorted(listed) == sorted(page.relative_to(docs).as_posix() for page in docs.rglob("*.md"))
