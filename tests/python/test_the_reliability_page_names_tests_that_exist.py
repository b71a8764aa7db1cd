"""Every test that `docs/reliability.md` names for a fault is there, and no fault is left out."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAULTS = 30


def test_the_reliability_page_names_tests_that_exist() -> None:
    rows = re.findall(
        r"^\| (\d+) [^|]*\|([^|]*)\|$", (ROOT / "docs/reliability.md").read_text(), re.MULTILINE
    )
    assert [int(number) for number, _ in rows] == list(range(1, FAULTS + 1))
    for _, tests in rows:
        names = re.findall(r"`([^`]+)`", tests)
        assert names
        for name in names:
            folder = "rust" if name.endswith(".rs") else "python"
            assert (ROOT / "tests" / folder / name).is_file(), name
