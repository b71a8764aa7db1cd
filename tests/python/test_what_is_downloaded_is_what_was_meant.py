"""Digests that are given, locked or pinned; archives that mean no good."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from download_support import PADDING, archive, release, script
from temporal_devserver import ConfigError, DownloadError, install
from temporal_devserver._install import source, unpack

if TYPE_CHECKING:
    from pathlib import Path

    from download_support import Service

V = "1.2.3"


def refused(match: str, **options: str) -> str:
    with pytest.raises(DownloadError, match=match) as caught:
        install(V, **options)  # type: ignore[arg-type]
    assert caught.value.version == V
    assert str(caught.value).endswith(f"{caught.value.problem}; {caught.value.remedy}")
    return str(caught.value)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_digest_that_is_given(service: Service, store: Path) -> None:
    service.archives[V] = whole = release(V)
    wrong = "0" * 64
    message = refused("has SHA-256", sha256=wrong)
    kept = store / f".{V}.refused"
    for part in (sha256(whole), f"but {wrong} was given", f"is kept as {kept}"):
        assert part in message
    assert kept.read_bytes() == whole
    assert not (store / V).exists()
    install(V, sha256=sha256(whole).upper())
    refused(f"it came in an archive with SHA-256 {sha256(whole)}", sha256=wrong)
    for bad in ("", "0" * 63, "x" * 64, 7):
        with pytest.raises(ConfigError, match="give 64 hexadecimal digits"):
            install(V, sha256=bad)  # type: ignore[arg-type]


def test_the_first_use_pins_it(service: Service, store: Path) -> None:
    service.archives[V] = first = release(V)
    install(V).unlink()
    service.archives[V] = second = release(V, "/bin/true")
    service.etag = '"two"'
    message = refused(f"but {sha256(first)} it had the first time")
    assert str(store / f".{V}.pin") in message
    assert (store / f".{V}.refused").read_bytes() == second
    install(V, sha256=sha256(second)).unlink()
    assert install(V).read_bytes() == script(V, "/bin/true")


def evil_names() -> bytes:
    evil = [(name, b"evil") for name in ("../evil", "/tmp/evil-of-temporal", "a/../../evil")]
    return archive(*evil, ("temporal", script(V)))


def test_names_that_lead_out_of_the_archive_lead_nowhere(service: Service, store: Path) -> None:
    service.archives[V] = evil_names()
    assert install(V).read_bytes() == script(V)
    service.archives[V] = archive(("../../../evil/temporal", script(V)))
    service.file = "../../../evil/temporal"
    (store / f".{V}.pin").unlink()
    (store / V / "temporal").unlink()
    assert install(V).read_bytes() == script(V)
    written = {path.name for path in store.parents[1].rglob("*")}
    assert "evil" not in written
    assert not os.path.exists("/tmp/evil-of-temporal")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE]
)
def test_what_is_no_file_is_not_taken_for_one(service: Service, store: Path, kind: bytes) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        member = tarfile.TarInfo("temporal")
        member.type, member.linkname = kind, "/bin/sh"
        tar.addfile(member)
    service.archives[V] = made.getvalue()
    refused("is no file but a link")
    assert not (store / V).exists()
    assert not (store / f".{V}.part").exists()


@pytest.mark.parametrize("name", ["temporal", "other"])
def test_a_bomb_is_not_unpacked(
    service: Service, store: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(unpack, "LIMIT", 5 << 20)
    service.archives[V] = archive((name, bytes(50 << 20)), ("temporal", script(V)))
    assert len(service.archives[V]) < 300_000
    refused("unpacks to more than 5 MiB")
    assert sum(path.stat().st_size for path in store.rglob("*")) < 1 << 20


WRONG: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "damaged"),
    "text": (b"no archive at all", "damaged"),
    "no tar": (gzip.compress(b"no tar"), "damaged"),
    "an end and more": (gzip.compress(b"\0" * 512 + b"x" * 4096), "has no file"),
    "a short end": (release(V)[:-4], "damaged"),
    "a wrong check sum": (release(V)[:-8] + bytes(8), "damaged"),
    "a half": (release(V)[:200_000], "damaged"),
    "another file": (archive(("README", b"hello")), "has no file `temporal`"),
    "another machine": (archive(("temporal", b"\x7fELF" + PADDING)), "cannot be run in"),
    "another program": (archive(("temporal", b"#!/bin/sh\necho hello\n")), "it says 'hello'"),
    "a mute program": (archive(("temporal", b"#!/bin/sh\n")), "it says ''"),
    "another version": (release("1.2.4"), "in the archive is temporal 1.2.4 and not 1.2.3"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_archive_that_is_none_is_refused_and_forgotten(
    service: Service, store: Path, what: str
) -> None:
    service.archives[V], says = WRONG[what]
    refused(says)
    assert [path.name for path in store.iterdir()] == [f".{V}.lock"]
    service.archives[V] = release(V)
    assert install(V).read_bytes() == script(V)


def test_another_machine_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    from temporal_devserver import UnsupportedPlatformError

    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(UnsupportedPlatformError, match="executable for riscv64; name one of your"):
        install(V)
    for name, expected in (("x86_64", "linux-amd64"), ("aarch64", "linux-arm64")):
        monkeypatch.setattr("platform.machine", lambda name=name: name)
        assert source.machine() == expected
    assert not service.asked
