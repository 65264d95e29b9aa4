"""A report's page as a reader's browser sees it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from quantum_pipeline.pages import render
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


LEADING = ("plots/scan.png", "plots/determinants.png")
"""Of a molecule's pictures, those that lead its page: the first that there is."""


def page_of(report: OptimisationReport | MoleculeReport) -> Page:
    """Return a report's page without the pictures that it can do without: drawing takes long."""
    plots = tuple(name for name in LEADING if name in report.artifacts.plots)[:1]
    artifacts = report.artifacts.model_copy(update={"plots": plots})
    return drawn_page(report.model_copy(update={"artifacts": artifacts}))


def drawn_page(report: OptimisationReport | MoleculeReport) -> Page:
    """Return a report's page with all its pictures."""
    return Page(render(report)["report.html"].decode())
