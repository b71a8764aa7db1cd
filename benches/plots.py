"""Plots as SVG, made from results: grey text and no background, to be read on light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from growth_results import CURVES, read
from results import last

if TYPE_CHECKING:
    from growth_results import Curve
    from results import Results

FOLDER = Path(__file__).parents[1] / "docs/plots"

GREY, OURS, TARGET = "#808080", "#2f9e77", "#d9822b"
SERIES = ("#2f9e77", "#5b8def", "#d9822b", "#b065c9")

mpl.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "temporal-devserver",
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": GREY,
        "axes.labelcolor": GREY,
        "axes.edgecolor": GREY,
        "xtick.color": GREY,
        "ytick.color": GREY,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def ratios(results: Results) -> None:
    """Draws every ratio: each sample a dot, the median a line, the target a mark."""
    figures = [each for each in results.figures().values() if each.unit == "x"][::-1]
    canvas = Canvas(figsize=(8, 0.28 * len(figures) + 0.8), layout="constrained")
    axes = canvas.subplots()
    for at, figure in enumerate(figures):
        count = len(figure.samples)
        axes.plot(figure.samples, [at] * count, "o", color=OURS, alpha=0.45, markersize=4)
        axes.plot([figure.median] * 2, [at - 0.35, at + 0.35], color=OURS, linewidth=2)
        if figure.target is not None:
            axes.plot(figure.target, at, "|", color=TARGET, markersize=12, markeredgewidth=2)
    axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(figures)), [figure.name.strip() for figure in figures])
    axes.set_xscale("log")
    axes.set_xlabel(
        "left of 1: ours takes less. Each sample a dot, green the median, orange the target",
        loc="right",  # longer than the axis: there is room to the left
    )
    _save(canvas, "ratios")


def growth(name: str, title: str, curve: Curve) -> None:
    """Draws what grows, one panel for each series."""
    canvas = Canvas(figsize=(8, 2.4), layout="constrained")
    panels = canvas.subplots(1, len(curve.series), squeeze=False)[0]
    for panel, color, (what, values) in zip(panels, SERIES, curve.series.items(), strict=False):
        panel.plot(curve.at, values, "o-", color=color, markersize=3, linewidth=1)
        panel.set_title(what, fontsize=9)
        panel.set_xlabel(title)
        panel.set_ylim(0, 1.1 * max(values))
    _save(canvas, name)


def redraw() -> None:
    """Draws everything from what was measured the last time."""
    ratios(last()[0])
    for name, curve in read().items():
        growth(name, CURVES[name], curve)


def _save(canvas: Canvas, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    canvas.savefig(FOLDER / f"{name}.svg", transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    redraw()
