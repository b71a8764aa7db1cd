#!/usr/bin/env python3
"""Measures which lines no test reaches: `make coverage`; docs/coverage.md says what it found.

Most processes of these tests die by SIGKILL or `_exit`, so nothing can be written at their end: the
counters lie in files that are mapped into every process (LLVM's continuous mode, `%c`), one for
each binary (`%m`). The Python half has no such mode; what a killed Python program ran is not seen.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUT = ROOT / "target/coverage"
PROFILES = OUT / "profiles"
ELSEWHERE = (
    # Looks at the bytes of the compiled module, which are others here.
    "test_an_upgrade_under_a_running_supervisor_is_no_crash.py",
    # Looks at every file; with an empty environment LLVM does not know where to write its own.
    "test_without_a_usable_home_a_server_has_a_place_or_a_clear_error.py",
)
"""Tests that an instrumented module cannot pass."""
INSTRUMENTED = ["-C", "instrument-coverage", "-C", "llvm-args=-runtime-counter-relocation"]
OUR_OWN_TESTS = re.compile(r"^#\[cfg\(test\)\]\n(?:#\[.*\n)*mod ", re.MULTILINE)

ENVIRONMENT = os.environ | {
    "CARGO_TARGET_DIR": str(OUT),
    "RUSTC_WORKSPACE_WRAPPER": __file__,  # our own crate is instrumented, and no dependency
    "LLVM_PROFILE_FILE": str(PROFILES / "%m%c.profraw"),
    "COVERAGE_FILE": str(OUT / "python/data"),
    "PIP_QUIET": "1",
}


def run(*argv: str | Path) -> bool:
    """Runs a command from the root, and tells whether it succeeded."""
    return subprocess.run(argv, cwd=ROOT, env=ENVIRONMENT, check=False).returncode == 0


def read(*argv: str | Path) -> str:
    """Returns what a command prints."""
    return subprocess.run(
        argv, cwd=ROOT, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def llvm(tool: str) -> Path:
    """Returns a tool of the very LLVM that rustc has: no other reads its files."""
    host = re.search(r"^host: (.*)$", read("rustc", "-vV"), re.MULTILINE)
    assert host
    path = Path(read("rustc", "--print", "sysroot").strip(), "lib/rustlib", host[1], "bin", tool)
    if not path.exists():
        run("rustup", "component", "add", "llvm-tools")
    return path


def open_to_all(*argv: str | Path) -> None:
    """Runs a binary for an instant and opens its file to the plain user that some tests become."""
    read(*argv)
    for profile in PROFILES.iterdir():
        profile.chmod(0o666)


def build() -> list[Path]:
    """Compiles tests, stand-ins and extension; returns all that was instrumented."""
    made = read("cargo", "test", "--locked", "--no-run", "--message-format=json")
    tests = re.findall(r'"executable":"([^"]*/deps/[^"]*)"', made)
    for test in tests:
        open_to_all(test, "--list")
    read(".venv/bin/maturin", "develop", "--locked")
    extension = next((ROOT / "python/temporal_devserver").glob("_core*.so"))
    open_to_all(".venv/bin/python", "-c", "import temporal_devserver._core")
    return [*map(Path, tests), OUT / "debug/examples/supervise", extension]


def lines(binaries: list[Path]) -> dict[str, dict[int, bool]]:
    """Returns for each file of the core whether its lines ran; unit tests are not counted."""
    profile = OUT / "rust.profdata"
    read(llvm("llvm-profdata"), "merge", "-o", profile, *PROFILES.iterdir())
    objects = [word for binary in binaries for word in ("-object", binary)]
    traced = read(llvm("llvm-cov"), "export", "-format=lcov", "-instr-profile", profile, *objects)
    found: dict[str, dict[int, bool]] = {}
    for section in traced.split("end_of_record"):
        name = re.search(rf"^SF:{ROOT}/(src/.*)$", section, re.MULTILINE)
        if name and not re.search("/(tests|interleavings)", name[1]):
            text = (ROOT / name[1]).read_text()
            tests = OUR_OWN_TESTS.search(text)
            end = text[: tests.start()].count("\n") if tests else sys.maxsize
            counts = re.findall(r"^DA:(\d+),(\d+)", section, re.MULTILINE)
            found[name[1]] = {int(line): n != "0" for line, n in counts if int(line) <= end}
    return found


def ranges(numbers: list[int]) -> str:
    """Returns `3-5, 9` for 3, 4, 5 and 9."""
    words: list[list[int]] = []
    for number in numbers:
        if words and number == words[-1][-1] + 1:
            words[-1].append(number)
        else:
            words.append([number])
    return ", ".join(f"{w[0]}-{w[-1]}" if len(w) > 1 else f"{w[0]}" for w in words)


def report(found: dict[str, dict[int, bool]]) -> None:
    """Prints a line for each module, and below it its files with the lines that never ran."""
    modules: dict[str, list[str]] = {}
    for name in sorted(found):
        modules.setdefault(re.sub(r"(src/[^/.]+).*", r"\1", name), []).append(name)
    for module, names in modules.items():
        ran = [hit for name in names for hit in found[name].values()]
        print(
            f"{module:<20} {sum(ran):>5} of {len(ran):>5} lines {100 * sum(ran) / len(ran):6.1f} %"
        )
        for name in names:
            if missed := [line for line, hit in sorted(found[name].items()) if not hit]:
                print(f"    {name}: {ranges(missed)}")


def main() -> int:
    """Measures everything."""
    for old in [*PROFILES.glob("*"), *OUT.glob("python/*")]:
        old.unlink()
    for folder in (PROFILES, OUT / "python"):
        folder.mkdir(parents=True, exist_ok=True)
    PROFILES.chmod(0o1777)
    binaries = build()
    is_good = run("cargo", "test", "--locked")
    left_out = [f"--ignore=tests/python/{name}" for name in ELSEWHERE]
    is_good &= run(".venv/bin/coverage", "run", "-m", "pytest", *left_out, *sys.argv[1:])
    run(".venv/bin/coverage", "combine", "--quiet")
    print()
    report(lines(binaries))
    run(".venv/bin/coverage", "report")
    return 0 if is_good else 1


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].endswith("rustc"):
        os.execvp(sys.argv[1], [*sys.argv[1:], *INSTRUMENTED])  # noqa: S606  # as a wrapper does
    sys.exit(main())
