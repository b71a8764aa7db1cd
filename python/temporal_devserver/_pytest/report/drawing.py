"""Draws the timeline of a workflow: SVG whose style is that of the page. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import kinds, markup, rows, units

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .data import Bar, Workflow
    from .rows import Row

LABEL, CHART, RESULT = 270, 540, 210
"""Width of the three columns: what it is, the bars, how it ended."""

WIDTH = LABEL + CHART + RESULT

TOP, ROW, NOTE = 22, 22, 15
"""Height of the axis, of a row, and of what is said below it."""

LETTERS, RESULT_LETTERS, NOTE_LETTERS = 40, 34, 110
"""How many characters fit."""

NARROWEST = 2.0


class _Scale(NamedTuple):
    begin: float
    length: float

    def x(self, moment: float) -> float:
        share = min(1.0, max(0.0, (moment - self.begin) / self.length))
        return round(LABEL + share * CHART, 1)


def svg(workflow: Workflow, here: Collection[str] = ()) -> str:
    """Returns the drawing; `here` are the runs that the page has, to be linked to."""
    found = rows.rows(workflow)
    end = workflow["asked"] if workflow["end"] is None else workflow["end"]
    last = max([end, *(rows.until(workflow, bar) for bar in workflow["bars"])])
    scale = _Scale(workflow["begin"], max(last - workflow["begin"], 0.001))
    parts: list[str] = []
    y = TOP
    for row in found:
        parts += _row(workflow, row, scale, y, here)
        y += ROW + (NOTE if rows.trouble(row) else 0)
    if workflow["more"]:
        parts.append(_text(0, y + 14, "m", f"{workflow['more']} more are not drawn"))
        y += ROW
    name = markup.text(f"timeline of {workflow['id']}")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 4}" '
        f'viewBox="0 0 {WIDTH} {y + 4}" role="img" aria-label="{name}">'
    )
    return "".join([head, *_axis(scale, y), *parts, "</svg>"])


def _axis(scale: _Scale, bottom: int) -> Iterator[str]:
    for mark in units.ticks(scale.length):
        x = scale.x(scale.begin + mark)
        yield f'<path class="grid" d="M{x} {TOP - 6}V{bottom}"/>'
        yield _text(x, TOP - 9, "tick", units.span(mark))


def _row(
    workflow: Workflow, row: Row, scale: _Scale, y: int, here: Collection[str]
) -> Iterator[str]:
    letters = max(8, LETTERS - len(row.kind))
    name = _linked(row.bars[0], markup.short(row.name, letters), here)
    label = f'<tspan class="m">{markup.text(row.kind)}</tspan> {name}'
    yield f'<g class="row"><text x="0" y="{y + 14}">{label}</text>'
    for bar in row.bars:
        drawn = f"<g>{_title(workflow, bar)}{_bar(workflow, bar, scale, y)}</g>"
        yield _linked(bar, drawn, here)
    worst = next((tone for tone in map(rows.tone, row.bars) if tone != "good"), "good")
    result = rows.result(workflow, row)
    yield _text(LABEL + CHART + 10, y + 14, f"is-{worst}", result, RESULT_LETTERS)
    if note := rows.trouble(row):
        yield _text(LABEL, y + ROW + 8, "note", note, NOTE_LETTERS)
    yield "</g>"


def _linked(bar: Bar, drawn: str, here: Collection[str]) -> str:
    """Links what stands for a child to the child's own drawing, if there is one."""
    return f'<a href="#{markup.place(bar["link"])}">{drawn}</a>' if bar["link"] in here else drawn


def _title(workflow: Workflow, bar: Bar) -> str:
    return f"<title>{markup.text(rows.details(workflow, bar))}</title>"


def _bar(workflow: Workflow, bar: Bar, scale: _Scale, y: int) -> str:
    tone, until = rows.tone(bar), rows.until(workflow, bar)
    left, right = scale.x(bar["begin"]), scale.x(until)
    if bar["kind"] == kinds.TASK and tone == "good":
        return _box("task", left, right, y + 7, 6)
    if bar["end"] == bar["begin"]:
        return f'<path class="{tone}" d="M{left} {y + 3}l7 7l-7 7l-7 -7z"/>'
    if bar["kind"] == "timer" and bar["end"] is None:
        return _open(left, right, y + 7, 6)
    if bar["kind"] == "timer":
        return _box(tone, left, right, y + 8, 4) + _box(tone, right - 1, right + 1, y + 4, 12)
    start = _start(bar, left, right, scale)
    shade = "retried" if bar["attempts"] > 1 else "waits"
    before = _box(shade, left, start, y + 6, 8) if start > left else ""
    if bar["end"] is None:
        return before + _open(start, right, y + 3, 14)
    return before + _box(tone, start, right, y + 3, 14)


def _start(bar: Bar, left: float, right: float, scale: _Scale) -> float:
    """Returns where waiting and failed attempts end."""
    if bar["kind"] not in kinds.TAKEN:
        return left
    if bar["start"] is None:
        return right if bar["end"] is None and bar["attempts"] > 1 else left
    return scale.x(bar["start"])


def _box(shade: str, left: float, right: float, y: int, height: int) -> str:
    width = round(max(NARROWEST, right - left), 1)
    return f'<rect class="{shade}" x="{left}" y="{y}" width="{width}" height="{height}" rx="2"/>'


def _open(left: float, right: float, y: int, height: int) -> str:
    """Draws what has not ended: its right side is open."""
    left = min(left, right - 8)
    return f'<path class="open" d="M{right} {y}H{left}V{y + height}H{right}"/>'


def _text(x: float, y: int, shade: str, told: str, letters: int = 80) -> str:
    return f'<text x="{x}" y="{y}" class="{shade}">{markup.short(told, letters)}</text>'
