"""The error tree: as documented, a code for every class, and nothing is lost by pickling."""

import json
import pickle
import re

import pytest

from temporal_devserver import _errors

ALL = sorted(_errors.CLASSES.values(), key=lambda error: error.__name__)

FIELDS: dict[str, object] = {
    "differences": [{"option": "port", "running": "1", "asked": "2"}],
    "holders": ["pid 7"],
    "port": 7233,
    "searched": ["/a", "/b"],
}


def drawn() -> dict[str, str]:
    """Returns the parent of each class, as the module's docstring draws it."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (_errors.__doc__ or "").splitlines():
        match = re.match(r"    ([ │├└─]*)(\w+Error)\b", line)
        if match:
            del path[len(match[1]) // 3 :]
            if match[1] or not path:
                parents[match[2]] = path[-1] if path else "Exception"
                path.append(match[2])
    return parents


def test_tree_is_as_drawn() -> None:
    assert drawn() == {error.__name__: error.__bases__[0].__name__ for error in ALL}


def test_subclasses_keep_the_builtin_meaning() -> None:
    assert issubclass(_errors.ConfigError, ValueError)
    assert issubclass(_errors.StartTimeoutError, TimeoutError)
    assert issubclass(_errors.SupervisorLostError, ConnectionError)
    assert issubclass(_errors.EventLoopError, RuntimeError)


@pytest.mark.parametrize("error", ALL)
def test_every_class_has_its_own_code(error: type[_errors.DevServerError]) -> None:
    assert "code" in vars(error)
    assert _errors.CLASSES[error.code] is error
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__.removesuffix("Error")).lower()
    assert error.code == snake


@pytest.mark.parametrize("error", ALL)
def test_wire_and_pickle_keep_message_and_attributes(
    error: type[_errors.DevServerError],
) -> None:
    wire = {"code": error.code, "message": "what; what to do", "path": "/x", **FIELDS}
    made = _errors.from_wire(json.dumps(wire))
    copy = pickle.loads(pickle.dumps(made))
    for each in (made, copy):
        assert type(each) is error
        assert str(each) == "what; what to do"
        assert each.path == "/x"  # type: ignore[attr-defined]
        assert each.port == 7233  # type: ignore[attr-defined]
        assert each.searched == ("/a", "/b")  # type: ignore[attr-defined]
        assert each.differences[0]["option"] == "port"  # type: ignore[attr-defined]


@pytest.mark.parametrize("error", ALL)
def test_documented_attributes_exist(error: type[_errors.DevServerError]) -> None:
    section = (error.__doc__ or "").partition("Attributes:")[2]
    for name in re.findall(r"^        (\w+):", section, flags=re.MULTILINE):
        assert hasattr(error("message"), name)


def test_unknown_code_is_a_plain_error() -> None:
    made = _errors.from_wire('{"code": "from_the_future", "message": "new", "detail": 1}')
    assert type(made) is _errors.DevServerError
    assert str(made) == "new"
    assert vars(made) == {"detail": 1}
