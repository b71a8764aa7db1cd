"""Breaks, lies, silence and detours: a download goes on, begins anew, or says why not."""

from __future__ import annotations

import json
import logging
import os
import resource
from typing import TYPE_CHECKING

import pytest

from download_support import CERTIFICATE, Gate, archive, cut, refuse, release, script, serving
from temporal_devserver import ConfigError, DownloadError, StateDirError, install
from temporal_devserver._install import fetch, get, pace, progress, transport
from temporal_devserver._install.failure import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from download_support import Handler, Service

V = "1.2.3"


class Told(progress.Reporter):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.counts: list[tuple[int, int | None]] = []

    def say(self, what: str) -> None:
        self.said.append(what)

    def progress(self, done: int, total: int | None) -> None:
        self.counts.append((done, total))


class Try:
    """A download whose pauses take no time."""

    def __init__(self, timeout: float = 20.0) -> None:
        self.pauses: list[float] = []
        self.told = Told()
        self._pace = pace.Pace(timeout=timeout, sleep=self.pauses.append)

    def get(self, version: str = V) -> Path:
        return get.get(version, None, self.told, self._pace).path

    def refused(self, version: str = V) -> str:
        """Returns the error, which ends with what to do."""
        with pytest.raises(DownloadError) as caught:
            self.get(version)
        message = str(caught.value)
        assert message.startswith(f"temporal {version} was not installed: ")
        assert len(message.rpartition("; ")[2].split()) >= 3, message
        return message


def test_a_smooth_one_is_counted_from_the_first_byte_to_the_last(service: Service) -> None:
    service.archives[V] = whole = release(V)
    counts: list[tuple[int, int | None]] = []
    path = install(V, progress=lambda done, total: counts.append((done, total)))
    assert path.read_bytes() == script(V)
    assert os.access(path, os.X_OK)
    assert counts[0] == (0, len(whole))
    assert counts[-1] == (len(whole), len(whole))
    assert counts == sorted(counts)
    assert sorted(entry.name for entry in path.parents[1].iterdir()) == [
        f".{V}.lock",
        f".{V}.pin",
        V,
    ]
    assert install(V) == path
    assert len(service.asked) == 2


def test_a_break_is_gone_on_with_where_it_was(service: Service) -> None:
    service.archives[V] = release(V)
    service.faults.extend([cut(100_000), cut(50_000)])
    attempt = Try()
    assert attempt.get().read_bytes() == script(V)
    first, *more = service.asked_for("archive")
    assert first.range is None
    assert [asked.range for asked in more] == ["bytes=100000-", "bytes=150000-"]
    assert {asked.if_range for asked in more} == {'"one"'}
    assert attempt.pauses == [0.5, 1.0]
    assert "broke off after 100000 of" in "".join(attempt.told.said)


def test_another_file_in_the_same_place_is_begun_anew(service: Service) -> None:
    service.archives[V] = release(V)

    def change(handler: Handler, whole: bytes, start: int) -> None:
        cut(100_000)(handler, whole, start)
        service.archives[V] = archive(("temporal", script(V, "/bin/true")), ("pad", bytes(99)))
        service.etag = '"two"'

    service.faults.append(change)
    assert Try().get().read_bytes() == script(V, "/bin/true")
    assert service.asked_for("archive")[1].range == "bytes=100000-"


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_reliable_mark_it_is_begun_anew(service: Service, tag: str) -> None:
    service.archives[V], service.etag = release(V), tag
    service.faults.append(cut(100_000))
    assert Try().get().read_bytes() == script(V)
    assert [asked.range for asked in service.asked_for("archive")] == [None, None]


def test_stale_leftovers_harm_nobody(service: Service, store: Path) -> None:
    service.archives[V] = whole = release(V)
    url = f"{service.url}/archive/{V}"
    about = {"url": url, "validator": '"one"', "total": len(whole)}
    store.mkdir(parents=True, mode=0o700)
    part = store / f".{V}.part"
    (store / f".{V}.new").mkdir()
    (store / f".{V}.new/temporal").write_text("half")
    for content, says in (
        (b"longer than all" * len(whole), about),
        (b"of another", about | {"url": "x"}),
        (b"of nobody", None),
        (whole[:10], about | {"validator": 7}),
        (whole[:9], [about]),
    ):
        part.write_bytes(content)
        part.with_name(f"{part.name}.json").write_text(json.dumps(says))
        Try().get().unlink()
    part.with_name(f"{part.name}.json").write_bytes(b"\xff{")
    assert Try().get().read_bytes() == script(V)


def wrong_part(handler: Handler, whole: bytes, start: int) -> None:
    handler.body(whole[start:], Content_Range=f"bytes {start + 1}-{len(whole)}/{len(whole)}")


def too_long(handler: Handler, whole: bytes, start: int) -> None:
    handler.body(whole[start:], length=len(whole) + 1000, **handler.partly(whole, start))


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (refuse(416), 1.0),
        (refuse(503), 1.0),
        (refuse(429, Retry_After="7"), 7.0),
        (wrong_part, 1.0),
        (too_long, 1.0),
        (cut(0), 1.0),
    ],
    ids=["416", "503", "429", "wrong part", "too long", "nothing"],
)
def test_one_wrong_answer_is_survived(
    service: Service, fault: Callable[[Handler, bytes, int], None], pause: float
) -> None:
    service.archives[V] = release(V)
    service.faults.extend([cut(1000), fault])
    attempt = Try()
    assert attempt.get().read_bytes() == script(V)
    assert attempt.pauses == [0.5, pause]


def test_tries_in_vain_come_to_an_end(service: Service) -> None:
    service.archives[V] = release(V)
    service.faults.extend([refuse(503)] * 50)
    attempt = Try()
    assert "answers 503 Service Unavailable (6 tries)" in attempt.refused()
    assert attempt.pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_a_try_that_brought_much_was_not_in_vain(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "ENOUGH", 20_000)
    service.archives[V] = release(V)
    service.faults.extend([cut(20_000)] * 14)
    attempt = Try()
    assert attempt.get().read_bytes() == script(V)
    assert attempt.pauses == [0.5] * 14


def test_a_lie_about_the_length_is_found_out(service: Service) -> None:
    service.archives[V] = release(V)
    service.faults.append(lambda handler, whole, _: handler.body(whole, length=len(whole) // 2))
    assert "the archive is damaged" in Try().refused()
    assert Try().get().read_bytes() == script(V)


def test_silence_is_not_waited_for_without_end(service: Service) -> None:
    service.archives[V] = release(V)
    gate = Gate()
    service.faults.append(gate)
    attempt = Try(timeout=0.2)
    try:
        assert attempt.get().read_bytes() == script(V)
    finally:
        gate.opened.set()
    assert "timed out" in "".join(attempt.told.said)


def test_a_length_that_nobody_tells_and_bytes_that_come_slowly(service: Service) -> None:
    service.archives[V] = release(V)

    def slowly(handler: Handler, whole: bytes, start: int) -> None:
        handler.head(200)
        for at in range(start, len(whole), 10_000):
            handler.wfile.write(whole[at : at + 10_000])
            handler.wfile.flush()

    service.faults.append(slowly)
    attempt = Try()
    assert attempt.get().read_bytes() == script(V)
    assert {total for _, total in attempt.told.counts} == {None}


def untold(handler: Handler, whole: bytes, start: int) -> None:
    handler.head(200)
    handler.wfile.write(whole[start:])


def test_too_much_is_not_taken(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LIMIT", 1 << 17)
    service.archives[V] = release(V)
    assert "larger than" in Try().refused()
    service.faults.append(untold)
    assert "larger than" in Try().refused()


def test_a_version_that_there_is_not(service: Service) -> None:
    message = Try().refused("9.9.9")
    assert "there is no temporal 9.9.9 for linux-" in message
    assert message.endswith("choose one of https://github.com/temporalio/cli/releases")
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>hello</html>",
        b"[]",
        b'"text"',
        b"{}",
        b'{"archiveUrl": 1, "fileToExtract": "temporal"}',
        b'{"archiveUrl": "/a", "fileToExtract": ""}',
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"archiveUrl": "/a", "fileToExtract": "temporal"}' + b" " * 70_000,
    ],
)
def test_an_answer_that_is_none(service: Service, answer: bytes) -> None:
    service.answer = answer
    assert "does not answer as the download service does" in Try().refused()


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "http://:1/", "http://[", "http://a b/"],
)
def test_only_http_is_spoken(
    service: Service, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    service.answer = json.dumps({"archiveUrl": address, "fileToExtract": "x"}).encode()
    assert "http" in Try().refused()
    monkeypatch.setenv("TEMPORAL_DEVSERVER_DOWNLOAD_URL", address)
    assert "http" in Try().refused()


def test_nothing_leads_from_https_to_http() -> None:
    transport.check("https://b/", "https://a/")
    with pytest.raises(Trouble, match="leads from https to http://b/"):
        transport.check("http://b/", "https://a/")


def test_redirections_that_do_not_end(service: Service) -> None:
    service.answer = b'{"archiveUrl": "/loop/", "fileToExtract": "temporal"}'
    assert "is redirected again and again" in Try().refused()
    assert len(service.asked) < 20


@pytest.mark.usefixtures("service")
def test_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as gone:
        pass
    monkeypatch.setenv("TEMPORAL_DEVSERVER_DOWNLOAD_URL", gone.url)
    message = Try().refused()
    assert f"127.0.0.1:{gone.server_port} cannot be reached: Connection refused" in message


def test_an_authority_that_nobody_knows(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    transport._trust.cache_clear()
    with serving(https=True) as other:
        other.archives[V] = release(V)
        monkeypatch.setenv("TEMPORAL_DEVSERVER_DOWNLOAD_URL", other.url)
        attempt = Try()
        assert "SSL_CERT_FILE" in attempt.refused()
        assert attempt.pauses == []
        transport._trust.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert Try().get().read_bytes() == script(V)
    transport._trust.cache_clear()
    assert not service.asked


def test_the_proxy_of_the_environment_is_used(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.archives[V] = release(V)
    monkeypatch.setenv("TEMPORAL_DEVSERVER_DOWNLOAD_URL", "http://temporal.invalid")
    monkeypatch.setenv("http_proxy", service.url)
    assert Try().get().read_bytes() == script(V)
    assert len(service.asked) == 2


def test_a_full_disk_is_told(service: Service) -> None:
    service.archives[V] = release(V)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        message = Try().refused()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f".{V}.part cannot be written: File too large; raise the limit" in message
    assert Try().get().read_bytes() == script(V)


def test_a_cache_that_cannot_be(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_DEVSERVER_CACHE_DIR", "/proc/none")
    with pytest.raises(StateDirError, match="set TEMPORAL_DEVSERVER_CACHE_DIR to one of your own"):
        install(V)
    for name in ("TEMPORAL_DEVSERVER_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(StateDirError, match="there is no HOME"):
        install(V)
    assert not service.asked


@pytest.mark.parametrize(
    "version", ["", "latest", "v1.2.3", "1.2", "../1.2.3", "1.2.3/x", "1.2.3é"]
)
def test_a_version_that_is_none(service: Service, version: str) -> None:
    with pytest.raises(ConfigError, match=r"is no version; give all three numbers, like 1"):
        Try().get(version)
    assert not service.asked


def test_offline_nothing_is_asked(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.archives[V] = release(V)
    monkeypatch.setenv("TEMPORAL_DEVSERVER_OFFLINE", "1")
    assert "TEMPORAL_DEVSERVER_OFFLINE is set; unset it" in Try().refused()
    assert not service.asked
    monkeypatch.setenv("TEMPORAL_DEVSERVER_OFFLINE", "no")
    path = Try().get()
    monkeypatch.setenv("TEMPORAL_DEVSERVER_OFFLINE", "1")
    assert Try().get() == path


def test_a_callback_that_raises_breaks_it_off(service: Service) -> None:
    service.archives[V] = release(V)

    def stop(done: int, _: int | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install(V, progress=stop)
    assert install(V).read_bytes() == script(V)
    assert service.asked_for("archive")[-1].range is not None


def test_rate_and_time_left_are_said(caplog: pytest.LogCaptureFixture) -> None:
    clock = iter([10.0, 11.0, 16.0, 20.0, 21.0]).__next__
    lines: list[str] = []
    reporter = progress.Lines(lines.append, clock)
    for done in (20_000_000, 25_000_000, 50_000_000, 70_000_000):
        reporter.progress(done, 100_000_000)
    reporter.progress(100_000_000, 100_000_000)
    assert lines == [
        "20.0 of 100.0 MB",
        "50.0 of 100.0 MB, 5.0 MB/s, 10 s left",
        "100.0 of 100.0 MB, 7.3 MB/s",
    ]
    with caplog.at_level(logging.WARNING, "temporal_devserver"):
        progress.for_log().progress(5, None)
    assert caplog.messages == ["0.0 MB"]
