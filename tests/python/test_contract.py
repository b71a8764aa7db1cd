"""What both languages know is the same in both."""

import json

from temporal_devserver import _core, _errors
from temporal_devserver._options import HOST_ONLY, Options


def test_every_code_of_the_core_has_its_class() -> None:
    assert set(_core.error_codes()) <= set(_errors.CLASSES)


def test_options_are_those_of_the_core() -> None:
    assert set(json.loads(_core.option_defaults())) == set(Options.__annotations__) - set(HOST_ONLY)
