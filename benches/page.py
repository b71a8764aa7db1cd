"""The part of `docs/benchmarks.md` that is made from results: tables, and what the peers do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from growth_results import CURVES
from growth_results import read as read_growth
from results import last

if TYPE_CHECKING:
    from figures import Fact, Figure
    from results import Results

PAGE = Path(__file__).parents[1] / "docs/benchmarks.md"
MARK = "<!-- made by `make bench` -->\n"


def publish() -> None:
    """Draws and writes what was measured the last time."""
    import plots  # what draws is installed for `make bench` alone

    plots.redraw()
    write()


def write() -> None:
    """Writes it, from the results of the last two days."""
    newest, *older = last()
    parts = [_machine(newest, older), "![every ratio, each sample a dot](plots/ratios.svg)\n"]
    before = older[0].figures() if older else {}
    for section, figures in newest.sections.items():
        parts.append(f"## {section}\n\n{_table(figures, before, has_before=bool(older))}")
        if section in newest.facts:
            parts.append(_answers(newest.facts[section]))
    parts.append(_growth())
    head, _, rest = PAGE.read_text().partition(MARK)
    _, _, tail = rest.partition(MARK)
    PAGE.write_text(head + MARK + "\n" + "\n".join(parts) + "\n" + MARK + tail)


def _machine(newest: Results, older: list[Results]) -> str:
    words = ", ".join(f"{name} {value}" for name, value in newest.machine.items())
    day = f"Run of {newest.date}: {words}."
    if older:
        loads = older[0].machine["load before"]
        day += f" The column *before* is the run of {older[0].date} (load before {loads})."
    return day + "\n"


def _table(figures: list[Figure], before: dict[str, Figure], *, has_before: bool) -> str:
    names = ["what", "median", "p90", "n", "target", *["before"] * has_before, ""]
    lines = [_row(names), _row(["---"] * len(names))]
    for figure in figures:
        target = "" if figure.target is None else f"{figure.target:g}: {figure.verdict}"
        cells = [
            figure.name.strip(),
            _value(figure.median, figure.unit),
            _value(figure.p90, figure.unit),
            str(len(figure.samples)),
            target,
        ]
        if has_before:
            old = before.get(figure.name)
            cells.append(_value(old.median, old.unit) if old else "")
        lines.append(_row([*cells, figure.note]))
    return "\n".join(lines) + "\n"


def _answers(facts: list[Fact]) -> str:
    """A row for each of whom something is told, a column for each thing that happens."""
    whats = list(dict.fromkeys(fact.what for fact in facts))
    answers = {(fact.who, fact.what): fact.answer for fact in facts}
    lines = [_row(["", *whats]), _row(["---"] * (len(whats) + 1))]
    lines += [
        _row([who, *(answers.get((who, what), "") for what in whats)])
        for who in dict.fromkeys(fact.who for fact in facts)
    ]
    return "\n".join(lines) + "\n"


def _growth() -> str:
    measured = read_growth()
    parts = ["## How cost grows\n"]
    for name, title in CURVES.items():
        if name in measured:
            parts.append(f"![{title}](plots/{name}.svg)\n\n{measured[name].told}\n")
    return "\n".join(parts)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _value(value: float, unit: str) -> str:
    number = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return number if unit in ("x", "") else f"{number} {unit}"


if __name__ == "__main__":
    write()
