"""Times in words, and where the marks of a time axis stand."""

from __future__ import annotations

STEPS = (1, 2, 5)
LONG_STEPS = (60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)
DAY = 86400.0


def span(seconds: float) -> str:
    """Returns a time in words: `40 µs`, `120 ms`, `1.25 s`, `2 min 5 s`, `3 h`, `2 d 4 h`."""
    if seconds < 0.0000005:
        return "0 s"
    if seconds < 0.0009995:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    for unit, size, lower, part in (("d", DAY, "h", 3600), ("h", 3600, "min", 60)):
        if seconds >= size:
            return _two(seconds / part, size / part, unit, lower)
    return _two(seconds, 60, "min", "s")


def _two(small: float, ratio: float, unit: str, lower: str) -> str:
    whole, rest = divmod(round(small), int(ratio))
    return f"{whole} {unit} {rest} {lower}" if rest else f"{whole} {unit}"


def ticks(whole: float, most: int = 7) -> list[float]:
    """Returns where the marks of an axis from 0 to `whole` seconds stand, at most so many."""
    step = _step(whole / max(1, most - 1))
    return [step * number for number in range(most) if step * number <= whole]


def _step(least: float) -> float:
    """Returns the smallest round step that is not below `least`."""
    if least > 20:
        days = -(-least // DAY) * DAY
        return next((float(step) for step in LONG_STEPS if step >= least), days)
    size = 1e-6
    while True:
        for step in STEPS:
            if step * size >= least:
                return step * size
        size *= 10
