"""A letter of a worker goes to the file of its controller, and to no other file at that path."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from temporal_devserver._pytest import letters

if TYPE_CHECKING:
    import pytest

    from temporal_devserver._pytest.letters import Letter

LETTER: Letter = {"test": "test_one", "why": "interrupted", "sections": [], "drawing": None}


def test_a_letter_arrives_and_is_taken_once(pytester: pytest.Pytester) -> None:
    config = pytester.parseconfig()
    box = letters.letterbox(config)
    assert letters.letterbox(config) is box
    letters.send(LETTER, *box.address)
    assert box.take("test_one") == [LETTER]
    assert box.letters() == []
    config._ensure_unconfigure()
    assert not os.path.lexists(box.address[0])


def test_a_file_of_another_name_gets_no_letter(pytester: pytest.Pytester) -> None:
    box = letters.letterbox(pytester.parseconfig())
    foreign = pytester.makefile(".txt", foreign="theirs")
    with foreign.open() as file:
        for path in (f"/proc/{os.getpid()}/fd/{file.fileno()}", "/proc/0/fd/0"):
            letters.send(LETTER, path, box.address[1])
    assert foreign.read_text() == "theirs"
    assert box.letters() == []
    box.close()
