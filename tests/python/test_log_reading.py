"""The last lines of a log are its last lines, wherever the blocks end."""

from pathlib import Path

import pytest

from temporal_devserver import _logs


def read(path: Path, tail: int | None) -> list[str]:
    reading = _logs.read(str(path), tail)
    while True:
        try:
            next(reading)
        except StopIteration as end:  # noqa: PERF203
            return list(end.value)


@pytest.mark.parametrize("block", [1, 2, 7, 1000])
@pytest.mark.parametrize("text", ["", "\n", "a", "a\n", "a\n\nb", "ä€\nbb\r\nccc\n", "x\n" * 50])
@pytest.mark.parametrize("tail", [None, 0, 1, 2, 3, 100])
def test_lines_are_those_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, block: int, text: str, tail: int | None
) -> None:
    monkeypatch.setattr(_logs, "BLOCK", block)
    path = tmp_path / "server.log"
    path.write_bytes(text.encode())
    lines = text.removesuffix("\n").split("\n") if text else []
    expected = lines if tail is None else lines[len(lines) - min(tail, len(lines)) :]
    assert read(path, tail) == expected


def test_missing_log_has_no_lines(tmp_path: Path) -> None:
    assert read(tmp_path / "none.log", None) == []
