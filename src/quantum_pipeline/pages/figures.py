"""The common style of all plots, and their conversion to PNG: matplotlib without pyplot.

Colours are those of Okabe and Ito, told apart by readers with any colour vision; nothing is told
by colour alone. ("Color Universal Design", 2008.)
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

Subject = TypeVar("Subject")
"""What a picture is drawn of: a study, or a report."""

BLACK, GREY, PALE = "#222222", "#777777", "#cfcfcf"
BLUE, ORANGE, GREEN, VERMILLION, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9"

TITLE_CHARACTERS = 62
"""Characters of a bold line of a title: as many are as wide as a picture."""

WIDTH_INCHES, DOTS_PER_INCH, COLOURS = 5.4, 200, 128

PAPER = 0xF0F0F0F0
"""Bits of red, green, blue and alpha that a pixel has which is white, or almost."""

PAD = 0.4
"""Around what a figure shows, in sizes of its font."""

STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 9,
    "text.parse_math": False,  # labels are the user's text, not TeX
    "text.color": BLACK,
    "axes.edgecolor": BLACK,
    "axes.labelcolor": BLACK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "agg.path.chunksize": 10_000,  # a path of 100,000 evaluations is drawn in pieces
}


@dataclass(frozen=True)
class Picture:
    """A plot as it is shown: what it finds, how to read it, and the image."""

    title: str
    caption: str
    png: bytes


def drawn(draw: Callable[[Subject], tuple[str, str, Figure]]) -> Callable[[Subject], Picture]:
    """Return a function that draws title, caption and figure in our style, as a picture."""

    @wraps(draw)
    def picture(subject: Subject) -> Picture:
        with rc_context(STYLE):
            title, caption, figure = draw(subject)
            figure.suptitle(
                textwrap.fill(title, TITLE_CHARACTERS, break_on_hyphens=False),
                x=0.012,
                y=0.99,
                ha="left",
                fontsize=9.5,
                fontweight="bold",
            )
            return Picture(title, caption, _png(figure))

    return picture


def new_figure(height_inches: float = 3.6, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of the page's column width and its axes, side by side."""
    figure = empty_figure(height_inches)
    return figure, [figure.add_subplot(1, columns, 1 + k) for k in range(columns)]


def empty_figure(height_inches: float) -> Figure:
    """Return a figure of the page's column width; one renderer measures and draws it."""
    figure = Figure((WIDTH_INCHES, height_inches), dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    return figure


def legend_below(figure: Figure, columns: int = 2, markerscale: float = 1.0) -> None:
    """Put the legend under the axes, where it hides nothing, in as many columns as fit."""
    renderer = _canvas(figure).get_renderer()  # type: ignore[no-untyped-call]
    for ncols in range(columns, 0, -1):
        legend = figure.legend(
            loc="lower center",
            borderaxespad=0.2,
            ncols=ncols,
            markerscale=markerscale,
            handlelength=1.8,
            columnspacing=1.6,
        )
        if ncols == 1 or legend.get_window_extent(renderer).width <= figure.bbox.width:
            return
        legend.remove()


def _fit(figure: Figure) -> None:
    """Give the axes the room that title, labels and legend leave.

    All is measured once; a constrained layout takes as long as drawing, since it measures twice.
    """
    renderer = _canvas(figure).get_renderer()  # type: ignore[no-untyped-call]
    figure.tight_layout(pad=PAD)
    for legend in figure.legends:
        height = legend.get_window_extent(renderer).height / figure.bbox.height
        figure.subplots_adjust(bottom=figure.subplotpars.bottom + height)


def _canvas(figure: Figure) -> FigureCanvasAgg:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    return canvas


def _png(figure: Figure) -> bytes:
    """Return the image in few colours, which make a fifth of the size.

    The octree is the fastest way to them, and faster where it is shown no paper: most pixels are.
    """
    _fit(figure)
    canvas, content = _canvas(figure), BytesIO()
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba()).view(np.uint32)[..., 0]  # type: ignore[no-untyped-call]
    inked = np.flatnonzero((pixels & PAPER) != PAPER)
    ink = Image.frombytes("RGBA", (len(inked), 1), pixels.ravel()[inked].tobytes()).convert("RGB")
    few = ink.quantize(COLOURS - 1, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    numbers = np.zeros(pixels.shape, dtype=np.uint8)
    numbers.ravel()[inked] = 1 + np.asarray(few)[0]
    image = Image.fromarray(numbers)
    image.putpalette([255, 255, 255, *(few.getpalette() or ())])
    image.save(content, "PNG", dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return content.getvalue()


def printable(text: str, longest: int) -> str:
    """Return a user's text as the font can draw it on one line: cut off, unknown signs as a box."""
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(c if c.isprintable() and font.get_char_index(ord(c)) else "□" for c in cut)
