"""A service that is stuck or hostile: a clear error, in bounded time and in bounded room."""

import gzip
import time
import tracemalloc
from dataclasses import dataclass
from datetime import timedelta
from random import randbytes
from typing import Any, Final

import pytest
from msgspec.structs import replace
from singer_sdk.exceptions import FatalAPIError

from tap_m365hunting.auth import token_source
from tap_m365hunting.configuration.config import Settings
from tap_m365hunting.errors import ServiceError, ThrottledError, WindowTooLargeError
from tap_m365hunting.http.transport import Transport
from tests.tap.harness import Tenant, at

MEBIBYTE: Final = 1 << 20
#: The time that an answer has in these tests, and what a slow machine may add to it.
SECONDS: Final = 1.0
SLACK: Final = 4.0
MOST_BYTES: Final = 8 * MEBIBYTE
#: What the emulator, in this process, allocates for its part is in it.
MOST_MEMORY: Final = 64 * MEBIBYTE
EVENTS: Final = {"name": "events", "query": "DeviceEvents\n| project Timestamp, ReportId"}
OK: Final = "HTTP/1.1 200 OK\r\n"
CHUNKED: Final = f"{OK}Transfer-Encoding: chunked\r\n\r\n"
FOREVER: Final = 10**9
DRIP: Final = {"piece": 1, "pause": 0.2}


@dataclass(frozen=True)
class Outcome:
    """How one exchange ended."""

    error: Exception
    seconds: float
    memory: int


def exchange(tenant: Tenant, *, seconds: float = SECONDS) -> bytes:
    """Make one call, impatiently and with room for little; return the answer's body."""
    settings = Settings.parse(tenant.config(EVENTS))
    place = replace(settings.connection, timeout=timedelta(seconds=seconds))
    token = token_source(place).token()
    with Transport(place, most_bytes=MOST_BYTES).post(
        "print 'a text that is long enough to drip for a while'", token, arrived=lambda _: None
    ) as body:
        return body.read()


def outcome(tenant: Tenant, fault: int | str, *, seconds: float = SECONDS, **how: Any) -> Outcome:  # noqa: ANN401 - an effect's members
    """Let one call meet a fault, and measure what becomes of it."""
    tenant.emulator.fail_next(fault, **how)
    tracemalloc.start()
    started = time.monotonic()
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is the test's to say
            exchange(tenant, seconds=seconds)
        memory = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Outcome(caught.value, time.monotonic() - started, memory)


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        pytest.param("hang", {}, id="no-answer"),
        pytest.param("slow", DRIP, id="dripping-body"),
        pytest.param("endless_headers", DRIP, id="dripping-headers"),
        pytest.param(200, {"body": CHUNKED, "filler": b"0", **DRIP}, id="dripping-chunk-size"),
        pytest.param(200, {"body": f"{CHUNKED}0\r\n", "filler": b"X: x\r\n"}, id="endless-trailer"),
    ],
)
def test_an_answer_has_its_time_however_it_is_spent(
    tenant: Tenant, fault: int | str, how: dict[str, Any]
) -> None:
    """Each byte would begin a socket's time-out anew; the deadline is for all of them."""
    bare = {"bare": True, "fillers": FOREVER} if "filler" in how else {}

    met = outcome(tenant, fault, **how, **bare)

    assert isinstance(met.error, WindowTooLargeError)
    assert not met.error.size
    assert "did not answer within 0:00:01" in str(met.error)
    assert SECONDS <= met.seconds < SECONDS + SLACK


def test_a_status_that_announces_another_is_not_followed_for_ever(tenant: Tenant) -> None:
    """Python 3.14 counts such answers, older versions leave them to the deadline."""
    again = b"HTTP/1.1 100 Continue\r\n\r\n"

    met = outcome(tenant, 200, body=again.decode(), filler=again, bare=True, fillers=FOREVER)

    assert isinstance(met.error, WindowTooLargeError | ServiceError)
    assert met.seconds < SECONDS + SLACK


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        pytest.param(400, ServiceError, "answered 400, and broke off", id="meaning-unknown"),
        pytest.param(503, ServiceError, "answered 503", id="may-pass"),
        pytest.param(429, ThrottledError, "answered 429", id="throttled"),
    ],
)
def test_an_error_that_drips_in_means_what_its_status_says(
    tenant: Tenant, status: int, kind: type[Exception], words: str
) -> None:
    """A 400 has many meanings, and half a text may have another one: it is asked again."""
    met = outcome(tenant, status, headers={"Retry-After": "7"}, **DRIP)

    assert type(met.error) is kind
    assert words in str(met.error)
    assert getattr(met.error, "retry_after", None) in {None, "7"}
    assert met.seconds < SECONDS + SLACK


@pytest.mark.parametrize(
    ("fault", "how"),
    [
        pytest.param("endless_body", {}, id="ten-gigabytes"),
        pytest.param("bomb", {}, id="ten-gigabytes-in-ten-megabytes"),
        pytest.param(
            "endless_body", {"headers": {"Content-Length": "10000000000"}}, id="as-announced"
        ),
    ],
)
def test_an_answer_without_measure_is_left_unread(
    tenant: Tenant, fault: str, how: dict[str, Any]
) -> None:
    """Neither memory nor disk takes more than the cap; a narrower window is smaller."""
    met = outcome(tenant, fault, seconds=60, **how)

    assert isinstance(met.error, WindowTooLargeError)
    assert met.error.size
    assert "more than 8,388,608 bytes" in str(met.error)
    assert met.memory < MOST_MEMORY


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        pytest.param("endless_headers", ServiceError, "No whole answer", id="many-headers"),
        pytest.param("endless_error", Exception, "answered 400", id="long-error"),
        pytest.param("reset_before", ServiceError, "No whole answer", id="reset"),
        pytest.param("redirected", FatalAPIError, "a redirect to login.invalid", id="redirect"),
    ],
)
def test_what_is_no_answer_is_an_error_at_once(
    tenant: Tenant, fault: str, kind: type[Exception], words: str
) -> None:
    """With words of a length that fits a line, and in little memory."""
    met = outcome(tenant, fault, seconds=60)

    assert isinstance(met.error, kind)
    assert words in str(met.error)
    assert len(str(met.error)) < 500
    assert met.memory < MOST_MEMORY


def test_a_redirect_takes_no_token_along(tenant: Tenant) -> None:
    """Whoever is redirected to is not asked: `login.invalid` would not even resolve."""
    tenant.emulator.fail_next("redirected", headers={"Location": tenant.emulator.graph_url})

    with pytest.raises(FatalAPIError, match="not followed"):
        exchange(tenant)

    assert len(tenant.emulator.calls) == 1


@pytest.mark.parametrize(
    ("location", "page", "words"),
    [
        pytest.param("https://proxy.invalid/accès", b"", "to proxy.invalid", id="latin-1"),
        pytest.param("https://[::1", b"", "a redirect,", id="no-url"),
        pytest.param("/login", b"moved!", "a redirect,", id="page-not-in-gzip"),
        pytest.param("/login", gzip.compress(randbytes(99_999)), "a redirect,", id="long-page"),
    ],
)
def test_a_redirect_is_refused_however_it_is_written(
    tenant: Tenant, location: str, page: bytes, words: str
) -> None:
    """Neither where it leads nor the page around it is needed to know that it is one."""
    more = len(page) + 9  # than comes before the connection ends
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: {more}\r\n"
    encoding = "Content-Encoding: gzip\r\n" if page else ""

    met = outcome(tenant, 200, body=f"{head}{encoding}\r\n".encode("latin-1") + page, bare=True)

    assert isinstance(met.error, FatalAPIError)
    assert words in str(met.error)


@pytest.mark.parametrize(
    "status", [pytest.param("200 OK", id="answer"), pytest.param("400 Bad Request", id="refusal")]
)
def test_a_chunk_smaller_than_none_is_no_whole_answer(tenant: Tenant, status: str) -> None:
    """Whoever wrote it may do better when asked again."""
    body = f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n"

    met = outcome(tenant, 200, body=body, bare=True)

    assert isinstance(met.error, ServiceError)
    assert "ChunkedEncodingError" in str(met.error)


@pytest.mark.parametrize("fault", ["empty_object", "page_instead", "cut_off", "endless_headers"])
def test_a_service_that_never_answers_sense_ends_the_stream(tenant: Tenant, fault: str) -> None:
    """After a few tries; the bookmark stays, so that a later run goes on from it."""
    tenant.emulator.engine.load("DeviceEvents", [{"Timestamp": at(hours=1), "ReportId": 1}])
    first = tenant.sync(EVENTS)
    tenant.emulator.fail_next(fault, times=None)

    run = tenant.sync(EVENTS, state=first.state)

    assert list(run.failed) == ["events"]
    assert run.records("events") == []
    assert len(tenant.emulator.calls) < 20
    assert "Microsoft Graph" in run.failed["events"]


def test_a_service_that_is_silent_is_not_asked_ever_more_narrowly(tenant: Tenant) -> None:
    """Its own limit for a query is minutes: who says nothing for longer is stuck, not too busy."""
    tenant.emulator.engine.load("DeviceEvents", [{"Timestamp": at(hours=1), "ReportId": 1}])
    tenant.emulator.fail_next("hang", times=None, when="where")

    run = tenant.sync(EVENTS, request_timeout_seconds=1)

    assert "6 times in a row" in run.failed["events"]
    assert run.records("events") == []


def test_an_answer_that_lies_about_its_type_is_read(tenant: Tenant) -> None:
    """A proxy may rewrite the header; the body is what counts."""
    tenant.emulator.engine.load("DeviceEvents", [{"Timestamp": at(hours=1), "ReportId": 1}])
    tenant.emulator.fail_next("wrong_content_type", times=None)

    run = tenant.sync(EVENTS)

    assert run.failed == {}
    assert run.values("events", "ReportId") == [1]
