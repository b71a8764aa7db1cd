"""Writes the page: an index of the tests, and for each its workflows with their drawings. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from . import markup, section, style, units

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .data import Entry

BUDGET = 8_000_000
"""Characters of all that is said of tests; the failed ones come first."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page loads nothing and runs nothing, whatever stands in it."""

CSS = style.CSS.replace("{", "{{").replace("}", "}}")

HEAD = f"""<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>
<meta name="viewport" content="width=device-width"/>
<title>{{title}}</title><style>{CSS}</style></head><body>
"""

WORST = ("failed", "error", "unfinished", "xpassed", "xfailed", "passed", "skipped")
"""Outcomes in the order of the page."""


def page(title: str, tests: Sequence[Entry], when: str) -> str:
    """Returns the page."""
    ordered = sorted(tests, key=lambda test: _rank(test["outcome"]))
    here = {each["run"]: each["id"] for test in tests for each in test["workflows"]}
    parts = [
        f"<h1>{markup.text(title)}</h1>",
        f'<p class="dim">{markup.text(_summary(tests))} · {markup.text(when)}</p>',
        *_index(ordered),
        section.KEY if here else "",
        *_tests(ordered, here),
    ]
    return HEAD.format(title=markup.text(title)) + "".join(parts) + "</body></html>\n"


def _summary(tests: Sequence[Entry]) -> str:
    counts = Counter(test["outcome"] for test in tests)
    words = [f"{counts[outcome]} {outcome}" for outcome in sorted(counts, key=_rank)]
    number = sum(len(test["workflows"]) for test in tests)
    return ", ".join([*words, f"{number} workflows"])


def _rank(outcome: str) -> int:
    return WORST.index(outcome) if outcome in WORST else 0


def _index(tests: Sequence[Entry]) -> Iterator[str]:
    yield (
        '<div class="index"><table><thead><tr><th>outcome</th><th>test</th>'
        '<th class="number">time</th><th class="number">workflows</th></tr></thead><tbody>'
    )
    for number, test in enumerate(tests):
        name = f"<bdi>{markup.short(test['name'], 300)}</bdi>"
        if _has_more(test):
            name = f'<a href="#t{number}">{name}</a>'
        yield (
            f"<tr><td>{section.badge(test['outcome'])}</td><td>{name}</td>"
            f'<td class="number">{units.span(test["seconds"])}</td>'
            f'<td class="number">{len(test["workflows"]) or ""}</td></tr>'
        )
    yield "</tbody></table></div>"


def _has_more(test: Entry) -> bool:
    return bool(test["workflows"] or test["problems"] or test["text"])


def _tests(tests: Sequence[Entry], here: Mapping[str, str]) -> Iterator[str]:
    left, drawn = BUDGET, set[str]()
    for number, test in enumerate(tests):
        if not _has_more(test):
            continue
        opened = ' open="open"' if _rank(test["outcome"]) < 3 else ""
        yield (
            f"<details{opened}><summary>{section.badge(test['outcome'])} "
            f"<h2><bdi>{markup.short(test['name'], 300)}</bdi></h2> "
            f'<span class="dim">{units.span(test["seconds"])}</span></summary>'
            f'<div id="t{number}">'
        )
        for part in _parts(test, here, drawn):
            if len(part) <= left:
                left -= len(part)
                yield part
            else:
                yield '<p class="dim">more is left out: the page would be too large</p>'
                break
        yield "</div></details>"


def _parts(test: Entry, here: Mapping[str, str], drawn: set[str]) -> Iterator[str]:
    for line in filter(None, [test["why"], *test["problems"]]):
        yield f'<p class="why">{markup.text(line)}</p>'
    for workflow in test["workflows"]:
        yield section.section(workflow, here, again=workflow["run"] in drawn)
        drawn.add(workflow["run"])
    if test["text"]:
        text = markup.text(test["text"])
        yield f'<details><summary class="dim">traceback</summary><pre>{text}</pre></details>'
