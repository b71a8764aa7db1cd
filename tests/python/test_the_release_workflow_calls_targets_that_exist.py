"""`.github/workflows/release.yml` is YAML whose steps are targets of the Makefile."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_targets() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    runs = "\n".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    asked = set(re.findall(r"^make ([a-z-]+)", runs, re.MULTILINE))
    there = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert asked == {"sdist", "wheel", "test-package"}
    assert asked <= set(there)


def test_only_the_last_job_can_publish() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == [
        "publish"
    ]
    assert set(jobs["publish"]["needs"]) == set(jobs) - {"publish"}
