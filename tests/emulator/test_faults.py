"""What can go wrong goes wrong on demand, in the forms that have been seen."""

import email.utils
import http.client
import json
import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from hunting_emulator.effects import NAMED
from hunting_emulator.faults import Faults
from tests.emulator.conftest import PATHS, Client, same_but_ids
from tests.samples import sample

MANY = "range n from 1 to 20000 step 1"


@pytest.mark.parametrize("api", ["graph", "defender"])
@pytest.mark.parametrize(
    ("fault", "captured"),
    [
        pytest.param("result_size", "graph_400_result_size", id="result-size"),
        pytest.param("preempted", "graph_400_preempted", id="preempted"),
        pytest.param("server_error", "graph_500", id="server-error"),
        pytest.param("timed_out", "graph_504", id="timed-out"),
        pytest.param("throttled_minute", "mde_429_minute", id="calls-per-minute"),
        pytest.param("throttled_hour", "mde_429_hour", id="calls-per-hour"),
        pytest.param("throttled_documented", "graph_429_documented", id="documented-429"),
        pytest.param("no_licence", "mde_401_inactive", id="no-licence"),
    ],
)
def test_a_named_fault_reads_as_captured(
    client: Client, api: str, fault: str, captured: str
) -> None:
    """Status and body are those of the capture."""
    client.emulator.fail_next(fault)

    answer = client.hunt("print 1", api=api)

    expected = sample(captured)
    body = expected.json
    body["error"]["code"] = body["error"]["code"].replace(
        "Unauthorized", "InvalidAuthenticationToken" if api == "graph" else "Unauthorized"
    )
    assert answer.status_code == expected.status
    assert same_but_ids(answer.json(), body)


@pytest.mark.parametrize(
    ("fault", "header"),
    [
        pytest.param("throttled", "1", id="seconds"),
        pytest.param("throttled_no_header", None, id="absent"),
        pytest.param("throttled_absurd", "31536000", id="a-year"),
        pytest.param("throttled_garbled", "soon", id="no-number"),
        pytest.param("throttled_cpu", None, id="cpu"),
    ],
)
def test_retry_after_comes_in_many_forms(client: Client, fault: str, header: str | None) -> None:
    """A client has to live with each."""
    client.emulator.fail_next(fault)

    answer = client.hunt("print 1")

    assert answer.status_code == 429
    assert answer.headers.get("Retry-After") == header


def test_retry_after_may_be_a_date(client: Client) -> None:
    """HTTP allows a date, in the emulator's own time."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    client.emulator.clock.set(now)
    client.emulator.fail_next("throttled_until")

    answer = client.hunt("print 1")

    until = email.utils.parsedate_to_datetime(answer.headers["Retry-After"])
    assert until == now + timedelta(seconds=2)


def test_a_gateway_answers_in_html(client: Client) -> None:
    """The proxy in front knows no JSON."""
    client.emulator.fail_next("bad_gateway")

    answer = client.hunt("print 1")

    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "text/html"
    assert "<title>502 Bad Gateway</title>" in answer.text


def test_a_reset_before_the_answer_leaves_nothing(client: Client) -> None:
    """Not a byte of the answer arrives."""
    client.emulator.fail_next("reset_before")

    with pytest.raises(requests.ConnectionError):
        client.hunt("print 1")

    assert client.hunt("print 1").status_code == 200


def raw_body(client: Client, query: str) -> tuple[http.client.HTTPResponse, bytes]:
    """Call without requests, which would hide how the body ends."""
    tls = ssl.create_default_context(cafile=client.emulator.ca_file)
    port = int(client.emulator.url.rpartition(":")[2])
    connection = http.client.HTTPSConnection("localhost", port, context=tls, timeout=30)
    headers = {"Authorization": f"Bearer {client.token()}", "Content-Type": "application/json"}
    try:
        connection.request("POST", PATHS["graph"], json.dumps({"Query": query}), headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_a_reset_in_mid_body_breaks_the_transfer(client: Client) -> None:
    """The connection is gone before the body is whole."""
    client.emulator.fail_next("reset_mid_body")

    with pytest.raises((http.client.IncompleteRead, ConnectionResetError, ssl.SSLError)):
        raw_body(client, MANY)


def test_a_cut_off_body_is_good_http_and_bad_json(client: Client) -> None:
    """Nothing but the JSON tells that half is missing."""
    client.emulator.fail_next("cut_off")

    response, body = raw_body(client, MANY)

    assert response.status == 200
    assert len(body) > 1000
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_a_short_answer_is_cut_too(client: Client) -> None:
    """The smallest answer loses its end as well."""
    client.emulator.fail_next("cut_off")

    _, body = raw_body(client, "print 1")

    assert body.startswith(b"{")
    assert not body.endswith(b"}")


def test_a_slow_body_dribbles_and_is_whole(client: Client) -> None:
    """Small pieces, each after a pause; what arrives is the answer."""
    client.emulator.fail_next("slow", piece=10, pause=0.002)
    started = time.monotonic()

    _, body = raw_body(client, "print n = 1")

    assert json.loads(body)["results"] == [{"n": 1}]
    assert time.monotonic() - started > 0.002 * (len(body) // 10 - 1)


def test_a_right_body_may_have_a_wrong_type(client: Client) -> None:
    """A header that lies about a body that is fine."""
    client.emulator.fail_next("wrong_content_type")

    answer = client.hunt("print n = 1")

    assert answer.headers["Content-Type"] == "text/html"
    assert answer.json()["results"] == [{"n": 1}]


def test_an_answer_may_be_an_empty_object(client: Client) -> None:
    """200 with neither schema nor results."""
    client.emulator.fail_next("empty_object")

    assert client.hunt("print 1").json() == {}


def post(client: Client) -> requests.Response:
    """Make a call, follow no redirect, and leave the answer unread."""
    return client.session.post(
        f"{client.emulator.graph_url}/security/runHuntingQuery",
        json={"Query": "print 1"},
        headers={"Authorization": f"Bearer {client.token()}"},
        timeout=30,
        allow_redirects=False,
        stream=True,
    )


def test_a_network_in_between_may_answer_instead(client: Client) -> None:
    """With a page, or by leading elsewhere."""
    client.emulator.fail_next("page_instead")
    client.emulator.fail_next("redirected")

    page, elsewhere = client.hunt("print 1"), post(client)

    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html")
    assert "<h1>200 Sign in" in page.text
    assert elsewhere.status_code == 302
    assert elsewhere.headers["Location"].startswith("https://login.invalid/")


@pytest.mark.parametrize(
    ("fault", "status", "starts"),
    [
        pytest.param("endless_body", 200, b'{"schema":[],"results":["', id="body"),
        pytest.param("endless_error", 400, b'{"error":{"message":"', id="error"),
        pytest.param("bomb", 200, b"    ", id="inflates"),
    ],
)
def test_an_answer_may_have_no_end(client: Client, fault: str, status: int, starts: bytes) -> None:
    """Whoever reads it to the end has ten gigabytes, or forty megabytes of error."""
    client.emulator.fail_next(fault)

    with post(client) as answer:
        pieces = answer.iter_content(1 << 20)
        first = next(pieces)
        more = sum(len(next(pieces)) for _ in range(20))

    assert answer.status_code == status
    assert first.startswith(starts)
    assert more >= 20 * 4096


def test_headers_may_have_no_end(client: Client) -> None:
    """Python's HTTP takes a hundred."""
    client.emulator.fail_next("endless_headers")

    with pytest.raises(requests.ConnectionError, match="more than 100 headers"):
        post(client)


def test_a_token_may_be_revoked_in_mid_run(client: Client) -> None:
    """This token is dead from now on; a new one works."""
    client.emulator.fail_next("token_revoked")

    statuses = [client.hunt("print 1").status_code for _ in range(2)]

    assert statuses == [401, 401]
    assert Client(client.emulator, client.session).hunt("print 1").status_code == 200


def test_a_hanging_answer_comes_late(client: Client) -> None:
    """The client's own time-out ends the wait."""
    client.emulator.fail_next("hang", hang=1.0)

    with pytest.raises(requests.ReadTimeout):
        client.session.post(
            f"{client.emulator.graph_url}/security/runHuntingQuery",
            json={"Query": "print 1"},
            headers={"Authorization": f"Bearer {client.token()}"},
            timeout=0.2,
        )


def test_faults_wait_for_their_calls(client: Client) -> None:
    """In order, so many times, for one API or for queries that hold a text."""
    emulator = client.emulator
    emulator.fail_next(500, times=2, api="defender")
    emulator.fail_next(503, when="DeviceInfo")

    calls = [("print 1", "graph"), ("print 1", "defender"), ("DeviceInfo", "defender")]
    calls += [("DeviceInfo", "graph"), ("DeviceInfo", "graph"), ("print 1", "defender")]
    statuses = [client.hunt(query, api=api).status_code for query, api in calls]

    assert statuses == [200, 500, 500, 503, 200, 200]


def test_a_faulted_call_is_a_call(client: Client) -> None:
    """The service counts what it fails."""
    client.emulator.configure(calls_per_minute=1)
    client.emulator.fail_next(500)

    assert [client.hunt("print 1").status_code for _ in range(2)] == [500, 429]


def test_a_fault_can_last(client: Client) -> None:
    """Until it is cleared."""
    client.emulator.fail_next(500, times=None)
    failed = {client.hunt("print 1").status_code for _ in range(5)}
    client.emulator.clear()

    assert failed == {500}
    assert client.hunt("print 1").status_code == 200


def test_any_answer_can_be_scripted(client: Client) -> None:
    """Status, body and headers as given, dictionaries as JSON."""
    body = {"error": {"code": "Teapot", "message": "Short and stout"}}
    client.emulator.fail_next(418, body=body, headers={"X-Kind": "pot"})

    answer = client.hunt("print 1")

    assert (answer.status_code, answer.json()) == (418, body)
    assert answer.headers["X-Kind"] == "pot"


def test_a_captured_answer_is_replayed_to_the_letter(client: Client) -> None:
    """The next call gets the capture, the one after it the truth."""
    body = sample("graph_200_sbyte_double").json
    client.emulator.replay(body)

    first, second = (client.hunt("print n = 1").json() for _ in range(2))

    assert first == body
    assert second["results"] == [{"n": 1}]


@pytest.mark.parametrize(("what", "how"), [("no-such-fault", {}), ("slow", {"no-such-member": 1})])
def test_an_unknown_fault_is_refused_at_once(
    client: Client, what: str, how: dict[str, Any]
) -> None:
    """A misspelt fault would make a test pass for the wrong reason."""
    with pytest.raises((ValueError, TypeError), match="no-such"):
        client.emulator.fail_next(what, **how)


@given(st.integers(), st.floats(0.05, 0.95))
def test_the_same_seed_draws_the_same_faults(seed: int, rate: float) -> None:
    """A run that failed can be run again."""
    one, other = Faults(), Faults()
    for faults in (one, other):
        faults.draw(rate, seed=seed)

    drawn = [[faults.take("graph", "") for _ in range(50)] for faults in (one, other)]

    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0), (1.0, 100)])
def test_the_rate_is_the_share_of_calls_that_fail(rate: float, share: int) -> None:
    """None of them, or all."""
    faults = Faults()
    faults.draw(rate, seed=7, names=("timed_out",))

    drawn = [faults.take("graph", "") for _ in range(100)]

    assert drawn.count(NAMED["timed_out"]) == share


def test_fault_may_wait_for_a_tenant(client: Client) -> None:
    """What one tenant suffers is nothing to another."""
    emulator = client.emulator

    emulator.fail_next(500, tenant_id="another", times=None)
    before = client.hunt("print 1").status_code
    emulator.fail_next(500, tenant_id=emulator.tenant_id)
    after = client.hunt("print 1").status_code, client.hunt("print 1").status_code

    assert before == 200
    assert after == (500, 200)
