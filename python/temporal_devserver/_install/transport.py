"""One request over HTTP: through the proxies of the environment, with the trust of the system.

`http` and `https` alone are spoken, whatever an answer or a redirection names, and nothing leads
from `https` to `http`.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import urllib.error
import urllib.request
from functools import cache
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from .. import _core
from .failure import BY_HAND, Passing, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Status codes after which the same request may succeed."""

LONGEST_WAIT = 60.0
"""Seconds that the other side may have us wait at the most."""

CONTENT_ELSEWHERE = "look at the address and at the variables `https_proxy` and `no_proxy`"


def open_url(url: str, headers: Mapping[str, str], timeout: float) -> http.client.HTTPResponse:
    """Returns the answer to a GET.

    Args:
        url: Address.
        headers: What to ask besides.
        timeout: Seconds for which the other side may be silent.

    Raises:
        Passing: It may work a moment later.
        Trouble: It will not.
    """
    check(url)
    agent = {"User-Agent": f"temporal-devserver/{_core.__version__}"}
    request = urllib.request.Request(url, headers={**agent, **headers})  # noqa: S310  # checked
    try:
        response: http.client.HTTPResponse = _opener().open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(url, error) from error
    except urllib.error.URLError as error:
        raise _unreachable(url, error.reason) from error
    except http.client.InvalidURL as error:
        raise _no_url(url) from error
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from error
    return response


class Missing(Trouble):
    """There is nothing at that address."""


class Unsatisfiable(Passing):
    """What is asked for lies beyond the end."""


def check(url: str, base: str = "") -> None:
    """Refuses what is no address for us; `base` is the address that has led to it."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
    except ValueError:
        raise _no_url(url) from None
    if not good or " " in url:
        raise _no_url(url)
    if base.startswith("https:") and parts.scheme == "http":
        problem = f"{base} leads from https to {url}, which anybody on the way could change"
        raise Trouble(problem, CONTENT_ELSEWHERE)


def _no_url(url: str) -> Trouble:
    return Trouble(f"{url!r} is no http or https address", CONTENT_ELSEWHERE)


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        check(newurl, req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _opener() -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_trust()),
        _Redirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _refused(url: str, error: urllib.error.HTTPError) -> Trouble:
    said = f"{url} answers {error.code} {error.reason}".splitlines()[0]
    if error.code in PASSING:
        after = None
        with contextlib.suppress(ValueError):
            after = min(LONGEST_WAIT, float(error.headers.get("Retry-After", "")))
        return Passing(said, after if after is not None and after >= 0 else None)
    if error.code in (404, 410):
        return Missing(said)
    if error.code == 416:
        return Unsatisfiable(said)
    if error.code == 407:
        return Trouble(said, "put user and password into the address in `https_proxy`")
    if 300 <= error.code < 400:
        return Trouble(f"{url} is redirected again and again", CONTENT_ELSEWHERE)
    return Trouble(said, CONTENT_ELSEWHERE)


def _unreachable(url: str, reason: object) -> Trouble:
    host = urlsplit(url).netloc.rpartition("@")[2]
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Trouble(
            f"{host} has a certificate that this machine does not trust ({reason.verify_message})",
            "set SSL_CERT_FILE to the certificates of your network's authority, if it has one of "
            "its own",
        )
    if isinstance(reason, ssl.SSLError) and reason.reason == "WRONG_VERSION_NUMBER":
        return Trouble(f"{host} does not speak https", CONTENT_ELSEWHERE)
    words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    number = getattr(reason, "errno", None) or 0
    return Passing(f"{host} cannot be reached: {words}", remedy=_core.remedy(number, BY_HAND))
