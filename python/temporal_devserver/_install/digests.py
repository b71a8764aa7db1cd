"""Digests of archives: what one is, what it has to be, and the file of lines that says so.

A line is `SHA256  VERSION  PLATFORM-ARCH`; `#` begins a comment. The lock file of a project and the
pin that a first download leaves are such files.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import ConfigError

if TYPE_CHECKING:
    import pathlib


class Expected(NamedTuple):
    """What an archive has to be."""

    sha256: str
    by: str
    """Who says so, as the end of "this digest ..."."""


def of(path: pathlib.Path) -> str:
    """Returns the digest of a file."""
    import hashlib  # which loads OpenSSL: nothing for a list

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def checked(text: object) -> str:
    """Returns a digest that somebody gave, in small letters.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(text, str) and re.fullmatch("[0-9a-fA-F]{64}", text):
        return text.lower()
    raise unfit("sha256", f"{text!r} is no SHA-256", "give 64 hexadecimal digits")


def read(path: pathlib.Path, version: str, machine: str) -> str | None:
    """Returns the digest that a file has for a version, None where it has none.

    Raises:
        ConfigError: The file cannot be read, or has a line that is none.
    """
    return _lines(path).get((version, machine))


def write(path: pathlib.Path, version: str, machine: str, sha256: str) -> None:
    """Writes the line of a version into a file, in the place of an earlier one; the rest stays.

    Raises:
        ConfigError: The file cannot be read, or has a line that is none.
        OSError: It cannot be written.
    """
    lines = _text(path).splitlines()
    lines = [line for line in lines if line.partition("#")[0].split()[1:] != [version, machine]]
    lines.append(f"{sha256}  {version}  {machine}")
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with new.open("w") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _lines(path: pathlib.Path) -> dict[tuple[str, str], str]:
    found = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 3 or not re.fullmatch("[0-9a-f]{64}", words[0]):
            problem = f"line {number} of {path} is not `SHA256 VERSION PLATFORM-ARCH`"
            raise unfit("lock", problem, "mend or remove that line")
        found[words[1], words[2]] = words[0]
    return found


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise unfit("lock", f"{path} cannot be read: {reason}", "name another file") from error


def unfit(option: str, problem: str, remedy: str) -> ConfigError:
    """Returns the error for an option that cannot be used."""
    message = f"option `{option}`: {problem}; {remedy}"
    return ConfigError(message, option=option, problem=problem, remedy=remedy)
