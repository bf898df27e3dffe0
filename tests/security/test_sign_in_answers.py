"""What a token endpoint answers reaches no output, whatever it is."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import singer_sdk

from tests.security.hosts import Authority, Bytes, cut, hosted, reply
from tests.security.world import (
    CLIENT_INFO,
    DEVICE,
    REFRESH,
    SECRET,
    SECRETS,
    TENANT,
    TOKEN,
    World,
    token_answer,
)

GOOD = json.dumps(token_answer(refresh_token=REFRESH)).encode()
T = TOKEN.encode()
DEEP = 100_000
#: Whole bodies that are no answer of Entra ID's, or an odd one.
BODIES = {
    "list": b'["%b"]' % T,
    "string": b'"%b"' % T,
    "null": b"null",
    "number": b"5",
    "nothing": b"",
    "page": b"<html>%b</html>" % (b"x" * 50_000),
    "byte-order-mark": b"\xef\xbb\xbf" + GOOD,
    "utf-16": GOOD.decode().encode("utf-16"),
    "expires-never": b'{"access_token":"%b","expires_in":"never"}' % T,
    "expires-list": b'{"access_token":"%b","expires_in":[]}' % T,
    "expires-before": b'{"access_token":"%b","expires_in":-5}' % T,
    "expires-infinitely": b'{"access_token":"%b","expires_in":1e400}' % T,
    "expires-over-long": b'{"access_token":"%b","expires_in":%b}' % (T, b"9" * 5_000),
    "expires-nan": b'{"access_token":"%b","expires_in":NaN}' % T,
    "expires-not": b'{"access_token":"%b"}' % T,
    "deep-list": b"[" * DEEP,
    "deep-object": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "scope-number": b'{"access_token":"%b","expires_in":3600,"scope":5}' % T,
    "id-token": b'{"access_token":"%b","expires_in":3600,"id_token":"a.b.c"}' % T,
    "client-info": b'{"access_token":"%b","expires_in":3600,"client_info":"!!!"}' % T,
    "token-null": b'{"access_token":null,"expires_in":3600}',
    "token-with-line-end": json.dumps(token_answer(TOKEN + "\n")).encode(),
    "token-with-header": json.dumps(token_answer(TOKEN + "\r\nX-Evil: 1")).encode(),
    "token-of-other-letters": json.dumps(token_answer(TOKEN + "€")).encode(),
    "token-object": json.dumps(token_answer({"a": TOKEN})).encode(),
    "token-of-megabytes": json.dumps(token_answer(TOKEN * 50_000)).encode(),
    "error-list": b'{"error":["%b"]}' % T,
    "error-with-token": b'{"error":"x","access_token":"%b"}' % T,
    "error-is-token": json.dumps({"error": REFRESH}).encode(),
    "error-described-by-token": json.dumps(
        {"error": "invalid_client", "error_description": REFRESH}
    ).encode(),
    "error-that-repeats": json.dumps(
        {"error": "invalid_client", "error_description": f"AADSTS7000215: {SECRET} is wrong"}
    ).encode(),
    "twice": b'{"access_token":"a","access_token":"%b","expires_in":3600}' % T,
}


@pytest.mark.parametrize("status", [200, 400, 429, 500])
@pytest.mark.parametrize("name", BODIES)
def test_no_answer_of_the_login_is_in_any_output(world: World, name: str, status: int) -> None:
    """Nor is there a traceback, a long log, or an eighth try."""
    world.login = lambda _: reply(BODIES[name], status)

    debug, info = world.tap(), world.tap(level="info")

    for ran in (debug, info):
        assert ran.holds(*SECRETS, SECRET) == [], ran.errors
        assert ran.status in {0, 1}
        assert ran.peak_mib < 300
        assert len(ran.errors) < 60_000
    assert b"Traceback" not in info.errors
    assert len(info.errors) < 6_000
    assert sum(asked.signs_in for asked in world.host.asked) <= 2 * 7


def test_answer_of_the_login_that_is_cut_is_in_no_output(world: World) -> None:
    """The end of the connection is the only end that it has."""
    world.login = lambda _: cut(GOOD[:-4])

    for name, ran in world.everything().items():
        assert ran.holds(*SECRETS) == [], name
        assert ran.status == 1, name


def test_person_that_signs_in_leaves_nothing_in_any_output(world: World) -> None:
    """Neither the tap's own code, nor the tokens; not even of an answer that is cut."""
    flow = {"user_code": "ABCD", "device_code": DEVICE, "expires_in": 900, "interval": 1}
    flow |= {
        "verification_uri": "https://microsoft.com/devicelogin",
        "message": f"Enter ABCD, not {DEVICE}",
    }
    answers: list[Bytes] = [
        reply({"error": "authorization_pending", "error_description": f"{DEVICE} pending"}, 400),
        cut(GOOD[:-4]),
        reply(token_answer(refresh_token=REFRESH, client_info=CLIENT_INFO)),
    ]
    cache = world.folder / "cache.json"
    world.login = lambda asked: (
        reply(flow) if "devicecode" in asked.path else answers.pop(0) if answers[1:] else answers[0]
    )
    settings: dict[str, Any] = {
        "client_secret": None,
        "auth_method": "device_code",
        "token_cache_path": str(cache),
    }

    first, second = world.tap(**settings), world.tap(**settings)

    assert second.status == 0
    assert first.holds(*SECRETS, DEVICE) == []
    assert second.holds(*SECRETS, DEVICE) == []
    assert b"ABCD" in first.errors


def test_person_that_never_comes_is_not_waited_for_without_end(world: World) -> None:
    """Whatever the login says of how long a code is good, and how often to ask."""
    flow = {"user_code": "AB", "device_code": "x", "expires_in": 300_000_000, "interval": 86_400}
    pending = {"error": "authorization_pending", "error_description": "AADSTS70016"}
    world.login = lambda asked: reply(flow) if "devicecode" in asked.path else reply(pending, 400)

    ran = world.tap(level="info", client_secret=None, auth_method="device_code")

    assert ran.status == 1
    assert "nobody entered the code in time" in ran.last
    assert len(world.host.asked) < 70


CACHES = {
    "damaged": "{",
    "list": "[]",
    "odd": json.dumps({"RefreshToken": {"x": {"secret": REFRESH}}, "Account": 5}),
    "odd-entries": '{"AccessToken":[1],"Account":{"a":null}}',
    "deep": "[" * DEEP,
}


@pytest.mark.parametrize("name", CACHES)
def test_token_cache_of_an_odd_form_is_refused_in_a_line(world: World, name: str) -> None:
    """It was written by another program, or by nobody."""
    cache = world.folder / "cache.json"
    cache.write_text(CACHES[name])
    cache.chmod(0o600)

    ran = world.tap(
        level="info", client_secret=None, auth_method="device_code", token_cache_path=str(cache)
    )

    assert ran.status == 1
    assert "it is no token cache" in ran.last
    assert b"Traceback" not in ran.errors
    assert ran.holds(REFRESH) == []


def test_env_file_above_the_installation_is_not_read(
    world: World, authority: Authority, tmp_path: Path
) -> None:
    """Nobody has named it, and it would send the secret elsewhere."""
    site = tmp_path / "site"
    shutil.copytree(Path(singer_sdk.__file__).parent, site / "singer_sdk")
    with hosted(lambda _: reply(token_answer()), authority) as elsewhere:
        (tmp_path / ".env").write_text(f"TAP_M365HUNTING_AUTHORITY_URL={elsewhere.url}\n")
        prefix = "TAP_M365HUNTING_"
        given = {
            "TENANT_ID": TENANT,
            "CLIENT_ID": TENANT,
            "CLIENT_SECRET": SECRET,
            "AUTHORITY_URL": world.host.url,
            "API_URL": world.host.url,
            "QUERIES": '[{"name": "alerts", "query": "AlertInfo | project Timestamp"}]',
        }
        path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
        variables = {f"{prefix}{name}": value for name, value in given.items()}
        ran = subprocess.run(
            [sys.executable, "-m", "tap_m365hunting", "--config", "ENV"],
            env={**os.environ, **world.environment, **variables, "PYTHONPATH": path},
            capture_output=True, cwd=tmp_path, check=False, timeout=60,
        )  # fmt: skip

        assert ran.returncode == 0, ran.stderr
        assert elsewhere.asked == []
        assert any(asked.signs_in for asked in world.host.asked)
