"""Writes what the page says of one workflow, and what its shapes mean. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import drawing, markup, units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .data import Workflow


def section(workflow: Workflow, here: Mapping[str, str], *, again: bool) -> str:
    """Returns the section of a workflow: drawn once in a page."""
    place = markup.place(workflow["run"])
    end = workflow["asked"] if workflow["end"] is None else workflow["end"]
    facts = [f"<b><bdi>{markup.text(workflow['type'])}</bdi></b>"]
    facts.append(f"<bdi>{markup.text(workflow['id'])}</bdi>")
    facts.append(f'<span class="dim">{units.span(max(0.0, end - workflow["begin"]))}')
    facts[-1] += f", task queue <bdi>{markup.text(workflow['queue'])}</bdi></span>"
    for word, run in (("child of", workflow["parent"]), ("continued by", workflow["next"])):
        if run in here:
            link = f'<a href="#{markup.place(run)}">{markup.short(here[run], 60)}</a>'
            facts[-1] += f'<span class="dim">, {word} <bdi>{link}</bdi></span>'
    head = f"<h3>{badge(workflow['status'])} {' '.join(facts)}</h3>"
    if workflow["note"]:
        head += f'<p class="why">{markup.text(workflow["note"])}</p>'
    if again:
        return f'<section>{head}<a href="#{place}">drawn already</a></section>'
    return f'<section id="{place}">{head}{drawing.svg(workflow, here)}</section>'


def badge(outcome: str) -> str:
    """Returns an outcome, coloured."""
    tones = {"passed": "good", "completed": "good", "xfailed": "good", "running": "open"}
    bad = {"failed", "error", "unfinished", "timed out", "terminated", "xpassed"}
    tone = "bad" if outcome in bad else tones.get(outcome, "off")
    return f'<span class="badge {tone}">{markup.text(outcome)}</span>'


def _sample(shape: str, words: str) -> str:
    return f'<span><svg width="26" height="14" aria-hidden="true">{shape}</svg>{words}</span>'


KEY = (
    '<p class="key dim">'
    + _sample('<rect class="good" width="26" height="14" rx="2"/>', "done")
    + _sample('<rect class="bad" width="26" height="14" rx="2"/>', "failed")
    + _sample('<rect class="retried" y="3" width="26" height="8" rx="2"/>', "tries that failed")
    + _sample('<rect class="waits" y="3" width="26" height="8" rx="2"/>', "waits for a worker")
    + _sample('<path class="open" d="M26 1H1V13H26"/>', "open when the test ended")
    + _sample('<rect class="task" y="4" width="26" height="6" rx="2"/>', "workflow code")
    + _sample('<path class="good" d="M0 5H24V1H26V13H24V9H0z"/>', "timer")
    + _sample('<path class="good" d="M13 0l7 7l-7 7l-7 -7z"/>', "signal")
    + "</p>"
)
"""What the shapes mean."""
