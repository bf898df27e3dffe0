"""A machine's identity endpoint: its answers are in no output, and it holds no run."""

import hashlib
import json
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.security.hosts import Asked, Authority, Bytes, cut, hosted, reply
from tests.security.world import FEDERATED, HEADER, REFRESH, SECRETS, TOKEN, World

IDENTITY: dict[str, Any] = {"client_secret": None, "client_id": None, "managed_identity": "system"}
T = TOKEN.encode()
GOOD = {"access_token": TOKEN, "expires_in": "3600", "expires_on": "9999999999"}
BODIES: dict[str, Bytes] = {
    "cut": cut(b'{"access_token":"%b","expires_on":"17' % T),
    "expires-never": reply(b'{"access_token":"%b","expires_on":"never"}' % T),
    "expires-not": reply(b'{"access_token":"%b"}' % T),
    "list": reply(b'["%b"]' % T),
    "text": reply(T),
    "null": reply(b"null"),
    "deep": reply(b"[" * 100_000),
    "token-with-line-end": reply({**GOOD, "access_token": TOKEN + "\n"}),
    "refused": reply(GOOD, 400),
    "refused-in-words": reply({"error": TOKEN, "message": {"token": TOKEN}}, 400),
    "refused-with-code": reply({"error": REFRESH, "message": REFRESH}, 400),
    "refused-with-header": reply({"error": f"{HEADER} is wrong"}, 400),
    "page": reply(f"<html>{TOKEN}</html>", 403),
    "busy": reply(GOOD, 429),
    "broken": reply(GOOD, 500),
    "challenge-without-end": reply(
        GOOD, 401, {"WWW-Authenticate": f"Basic realm=/x/../../{TOKEN}"}
    ),
    "challenge-of-none": reply(GOOD, 401),
}


def app_service(world: World) -> dict[str, str]:
    """Return what App Service sets."""
    return {"IDENTITY_ENDPOINT": f"{world.machine.url}/t", "IDENTITY_HEADER": HEADER}


def learning(world: World) -> dict[str, str]:
    """Return what Machine Learning sets."""
    return {"MSI_ENDPOINT": f"{world.machine.url}/t", "MSI_SECRET": HEADER}


def virtual(world: World) -> dict[str, str]:
    """Return what stands in for the address of a virtual machine's endpoint."""
    return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": world.machine.url}


def arc(world: World) -> dict[str, str]:
    """Return what Azure Arc sets."""
    return {"IDENTITY_ENDPOINT": f"{world.machine.url}/t", "IMDS_ENDPOINT": world.machine.url}


def fabric(world: World) -> dict[str, str]:
    """Return what Service Fabric sets; the test's host is the endpoint."""
    address = ("127.0.0.1", int(world.host.server_address[1]))
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address))
    return {
        "IDENTITY_ENDPOINT": f"{world.host.url}/oauth2/fabric",
        "IDENTITY_HEADER": HEADER,
        "IDENTITY_SERVER_THUMBPRINT": hashlib.sha1(der, usedforsecurity=False).hexdigest(),
    }


KINDS = [app_service, learning, virtual, arc, fabric]
Kind = Callable[[World], dict[str, str]]


def always(answer: Bytes, _: Asked) -> Bytes:
    """Answer so, whatever is asked."""
    return answer


def asked(world: World) -> int:
    """Return how often a token was asked for."""
    return len(world.machine.asked) + sum(one.signs_in for one in world.host.asked)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", BODIES)
def test_answer_of_an_identity_endpoint_is_in_no_output(
    world: World, kind: Kind, name: str
) -> None:
    """Nor the header that opens it, whatever the endpoint makes of the two."""
    world.login = world.machine.answer = lambda _: BODIES[name]
    world.environment |= kind(world)

    debug, info = world.tap(**IDENTITY), world.tap(level="info", **IDENTITY)

    # an endpoint that needs no header cannot know it
    known = [one for one in SECRETS if one != HEADER or HEADER in world.environment.values()]
    for ran in (debug, info):
        assert ran.status == 1
        assert ran.holds(*known) == [], ran.errors
        assert len(ran.errors) < 60_000
    assert b"Traceback" not in info.errors


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_of_an_identity_endpoint_is_not_followed(
    world: World, authority: Authority, kind: Kind, status: int
) -> None:
    """The header would go to another host, and the token would be that host's."""
    for tls in (authority, None):
        with hosted(lambda _: reply(GOOD), tls) as elsewhere:
            answer = reply(b"", status, {"Location": f"{elsewhere.url}/oauth2/x"})
            world.login = world.machine.answer = partial(always, answer)
            world.environment |= kind(world)

            ran = world.tap(**IDENTITY)

            assert ran.status == 1
            assert elsewhere.asked == []


def drip() -> Iterator[bytes]:
    """Yield an answer that never comes to its end."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    for _ in range(400):
        sleep(0.1)
        yield b" "


def flood() -> Iterator[bytes]:
    """Yield an answer without measure."""
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    yield from repeat(b" " * (1 << 16), 1 << 14)


@pytest.mark.parametrize("kind", [virtual, fabric], ids=lambda kind: kind.__name__)
def test_identity_endpoint_that_floods_takes_no_memory(world: World, kind: Kind) -> None:
    """A gigabyte is offered at each try."""
    world.login = world.machine.answer = lambda _: flood()
    world.environment |= kind(world)

    ran = world.tap(level="info", **IDENTITY)

    assert ran.status == 1
    assert ran.peak_mib < 150


@pytest.mark.parametrize("kind", [virtual, fabric], ids=lambda kind: kind.__name__)
def test_identity_endpoint_that_drips_or_is_silent_is_given_up(world: World, kind: Kind) -> None:
    """After ten seconds a try; here one try is shown, and the run is ended."""
    world.login = world.machine.answer = lambda _: drip()
    world.environment |= kind(world)

    ran = world.tap(level="info", seconds=25, **IDENTITY)

    assert b"Waiting" in ran.errors
    assert asked(world) >= 2


def test_service_fabric_asks_no_proxy(world: World) -> None:
    """What is on the machine needs none."""
    world.login = lambda _: reply(GOOD)
    world.environment |= fabric(world)
    with hosted(lambda _: reply({}, 403), None) as proxy:
        port = proxy.server_address[1]
        world.environment |= {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "NO_PROXY": "x"}

        world.tap(level="info", **IDENTITY)

        tunnels = [one.path for one in proxy.asked]
    assert any(one.signs_in for one in world.host.asked)
    assert all(path.endswith(f":{world.host.server_address[1]}") for path in tunnels)


@pytest.mark.parametrize("header", [HEADER + "\nX: y", HEADER + "€"])
def test_header_that_cannot_be_sent_is_not_shown(world: World, header: str) -> None:
    """HTTP libraries quote it in their errors."""
    world.environment |= {**app_service(world), "IDENTITY_HEADER": header}

    for level in ("info", "debug"):
        ran = world.tap(level=level, **IDENTITY)

        assert ran.status == 1
        assert "IDENTITY_HEADER holds a character" in ran.errors.decode()
        assert ran.holds(HEADER) == []


@pytest.mark.parametrize(
    "url", ["http://user:%s@127.0.0.1/t", "ftp://127.0.0.1/%s", "127.0.0.1/%s", "http://[::1/%s"]
)
def test_address_that_is_none_is_not_shown(world: World, url: str) -> None:
    """It may hold a password."""
    given = app_service(world) | {"IDENTITY_ENDPOINT": url.replace("%s", HEADER)}
    world.environment |= given

    ran = world.tap(**IDENTITY)

    assert ran.status == 1
    assert b"IDENTITY_ENDPOINT holds no address" in ran.errors
    assert ran.holds(HEADER) == []


def test_federated_token_that_is_none_is_not_shown(world: World, tmp_path: Path) -> None:
    """Whatever is in the file."""
    file = tmp_path / "token"
    token = FEDERATED.encode()
    for content in (token + b".a\n.b", b"\xff\xfe\x00" + token, token * 3_000_000, b" \n"):
        file.write_bytes(content)

        ran = world.tap(client_secret=None, federated_token_file=str(file))

        assert ran.status == 1
        assert ran.holds(FEDERATED) == []
        assert ran.peak_mib < 150
    assert json.dumps([one.path for one in world.host.asked]) == "[]"
