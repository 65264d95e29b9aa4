"""A report's page as a reader's browser sees it."""

from __future__ import annotations

import base64
import hashlib
import inspect
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from quantum_pipeline.pages import render
from quantum_pipeline.pages.bond_curve import scan
from quantum_pipeline.pages.figures import Picture
from quantum_pipeline.pages.molecule_figures import determinants
from quantum_pipeline.pages.page import molecule_page, page
from quantum_pipeline.pages.study import Study
from quantum_pipeline.reports import MoleculeReport, OptimisationReport

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """A page as a reader's browser sees it; every tag must be closed in its place.

    It has to keep to a policy that lets its own style in, and pictures that are part of it; of a
    page that ``sorts`` one script too.
    """

    def __init__(self, html: str, *, sorts: bool = False) -> None:
        super().__init__()
        self._sorts = sorts
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self.open
        self._keeps_to_its_policy(html)

    def _keeps_to_its_policy(self, html: str) -> None:
        [place] = [n for n, (_, each) in enumerate(self.tags) if "http-equiv" in each]
        _, meta = self.tags[place]
        assert meta["http-equiv"] == "Content-Security-Policy"
        assert place < [tag for tag, _ in self.tags].index("style")  # it holds for what follows
        [style] = re.findall("<style>(.*?)</style>", html, re.DOTALL)
        scripts = re.findall("<script>(.*?)</script>", html, re.DOTALL)
        assert len(scripts) == self._sorts
        assert dict(re.findall(r"([a-z-]+) ([^;]+)", meta["content"] or "")) == {
            "default-src": "'none'",
            "style-src": _hash(style),
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
            **({"script-src": _hash(scripts[0])} if scripts else {}),
        }
        for tag, attributes in self.tags:
            assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
            assert tag != "script" or (self._sorts and not attributes)
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
            assert (attributes.get("src") or "data:").startswith("data:")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def said(draw: Callable[[Any], Picture], subject: Any) -> Picture:
    """Return what a picture says, without its image, which takes six times as long."""
    title, caption, _ = inspect.unwrap(draw)(subject)
    return Picture(title, caption, b"")


def page_of(report: OptimisationReport | MoleculeReport) -> Page:
    """Return a report's page without images, and with the words of the one that it has to have."""
    if isinstance(report, OptimisationReport):
        return Page(page(Study.of(report), {}))
    leading = {"plots/scan.png": scan, "plots/determinants.png": determinants}
    name = next(name for name in leading if name in report.artifacts.plots)
    return Page(molecule_page(report, {name: said(leading[name], report)}))


def drawn(report: OptimisationReport | MoleculeReport, *plots: str) -> dict[str, bytes]:
    """Return a report's page and these of its pictures, all of which are well formed."""
    assert set(plots) <= set(report.artifacts.plots)
    artifacts = report.artifacts.model_copy(update={"plots": plots})
    files = render(report.model_copy(update={"artifacts": artifacts}))
    assert set(files) == {"report.html", *plots}
    Page(files["report.html"].decode())
    return files
