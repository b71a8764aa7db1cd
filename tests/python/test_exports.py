"""The public namespace: sorted, complete, and free to import."""

import pickle
import subprocess
import sys

import pytest

import temporal_devserver
from temporal_devserver import _errors


def test_names_are_fixed() -> None:
    errors = {error.__name__ for error in _errors.CLASSES.values()}
    others = {
        "AsyncDevServer",
        "DevServer",
        "Event",
        "Health",
        "Lease",
        "Probe",
        "Restart",
        "Status",
    }
    assert set(temporal_devserver.__all__) == errors | others | {"__version__", "install"}


def test_names_are_sorted() -> None:
    assert temporal_devserver.__all__ == sorted(temporal_devserver.__all__)
    assert set(temporal_devserver.__all__) <= set(dir(temporal_devserver))


@pytest.mark.parametrize("name", [n for n in temporal_devserver.__all__ if n != "__version__"])
def test_public_names_live_in_the_package(name: str) -> None:
    public = getattr(temporal_devserver, name)
    assert public.__module__ == "temporal_devserver"
    assert public.__name__ == name
    assert pickle.loads(pickle.dumps(public)) is public


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Server'"):
        temporal_devserver.Server  # noqa: B018


def test_import_loads_nothing_else() -> None:
    directory = temporal_devserver.__path__[0].rpartition("/")[0]
    code = (
        f"import sys; sys.path.insert(0, {directory!r}); before = set(sys.modules); "
        "import temporal_devserver; print(*sorted(set(sys.modules) - before))"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert loaded.split() == ["temporal_devserver"]
