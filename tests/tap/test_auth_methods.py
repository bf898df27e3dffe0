"""Each way to sign in gets rows through the tap, renews its token, and shows no secret."""

import json
import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hunting_emulator import Emulator
from hunting_emulator.settings import IDENTITY_HEADER
from tap_m365hunting.errors import AuthenticationError
from tap_m365hunting.log_records import guard_logs
from tests.tap.harness import NOW, Run
from tests.tap.identities import ALERTS, METHODS, PASSWORD, SignedIn, Workplace, owner

OTHER = "99998888-ffff-7777-eeee-6666dddd5555"
JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+")
LONG = re.compile(r"[\w-]{100,}")


@pytest.fixture
def signed_in(emulator: Emulator) -> SignedIn:
    """A tenant with three alerts, whose person is at hand."""
    tenant = SignedIn(emulator)
    tenant.load()
    return tenant


@pytest.fixture
def workplace(signed_in: SignedIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A folder and an environment where ways to sign in can be set up."""
    return Workplace(signed_in, tmp_path, monkeypatch)


def read(tenant: SignedIn, settings: dict[str, Any], count: int = 1) -> Run:
    """Read the alerts by several streams, and see that each has them all."""
    queries = [{**ALERTS, "name": f"alerts_{n}"} for n in range(count)]
    run = tenant.sync(*queries, **settings)
    assert run.failed == {}
    for query in queries:
        assert run.values(query["name"], "AlertId") == ["a2", "a1", "a0"]
    return run


@pytest.mark.parametrize("api", ["graph", "defender"])
@pytest.mark.parametrize("method", METHODS)
def test_method_reads_rows(
    workplace: Workplace, signed_in: SignedIn, method: str, api: str
) -> None:
    """Over TLS, through Entra ID's own protocol, to the rows of either API."""
    run = read(signed_in, {**workplace.settings(method), "api": api})

    assert run.bookmark("alerts_0")
    assert {call.status for call in signed_in.emulator.calls} == {200}


@pytest.mark.parametrize("method", METHODS)
def test_tokens_of_five_seconds_fail_no_call(
    workplace: Workplace, signed_in: SignedIn, method: str
) -> None:
    """A token is renewed before it expires, however short its life, as time goes by."""
    # one call at a time, since each look at the clock by another would take a second, too
    settings = {**workplace.settings(method), "max_parallel_calls": 1}
    signed_in.emulator.configure(token_seconds=5)
    signed_in.pace = 1.0

    read(signed_in, settings, count=3)

    assert {call.status for call in signed_in.emulator.calls} == {200}


@pytest.mark.parametrize("method", METHODS)
def test_token_that_died_early_is_replaced_once_a_call(
    workplace: Workplace, signed_in: SignedIn, method: str
) -> None:
    """Where the clocks differ, or tokens were revoked, a 401 costs a call and no row."""
    settings = workplace.settings(method)
    signed_in.pace = 700.0  # so that an hour is over sooner than MSAL knows

    patient = {"request_timeout_seconds": 1_000_000, "max_parallel_calls": 1}
    read(signed_in, {**settings, **patient}, count=2)

    statuses = [call.status for call in signed_in.emulator.calls]
    assert 401 in statuses
    assert (401, 401) not in set(pairwise(statuses))


def secrets(workplace: Workplace, settings: dict[str, Any]) -> set[str]:
    """Return the values that must be seen nowhere: as they are, and line by line."""
    key = "".join(owner().key_pem.splitlines()[1:-1])
    found = {workplace.emulator.client_secret, PASSWORD, IDENTITY_HEADER, key, *key.split("\n")}
    found |= {key[n : n + 40] for n in range(0, len(key) - 40, 40)}
    for name in ("federated_token_file", "token_cache_path"):
        file = Path(settings.get(name) or os.devnull)
        text = file.read_text("utf-8") if file.exists() else ""
        found |= set(re.findall(r"[\w.-]{60,}", text))
    return found - {""}


@contextmanager
def guarded_logs() -> Iterator[None]:
    """Guard the logs as the command does."""
    factory, hook, raising = logging.getLogRecordFactory(), sys.excepthook, logging.raiseExceptions
    guard_logs()
    try:
        yield
    finally:
        logging.setLogRecordFactory(factory)
        sys.excepthook, logging.raiseExceptions = hook, raising


@pytest.mark.parametrize("method", METHODS)
def test_nothing_secret_is_written(
    workplace: Workplace,
    signed_in: SignedIn,
    method: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """At debug level, with a refused token on the way: no secret, no token, no key."""
    caplog.set_level(logging.DEBUG)
    settings = workplace.settings(method)
    before = secrets(workplace, settings)
    signed_in.emulator.fail_next("token_revoked")

    with guarded_logs():
        read(signed_in, settings)

    captured = capfd.readouterr()
    said = "\n".join([caplog.text, captured.out, captured.err, str(caplog.records)])
    assert "singer_sdk.metrics" in {record.name for record in caplog.records}
    assert [secret for secret in before | secrets(workplace, settings) if secret in said] == []
    assert JWT.findall(said) == []
    assert [word for word in LONG.findall(said) if not set(word) <= set("_-=")] == []


def test_search_for_secrets_finds_them(workplace: Workplace, signed_in: SignedIn) -> None:
    """The test above would see a token of the cache file, and a line of the key."""
    settings = workplace.settings("device_code")
    read(signed_in, settings)

    found = secrets(workplace, settings)

    cache = json.loads(Path(settings["token_cache_path"]).read_text("utf-8"))
    assert {entry["secret"] for entry in cache["RefreshToken"].values()} <= found
    assert {entry["secret"] for entry in cache["AccessToken"].values()} <= found
    assert any(part in owner().key_pem.replace("\n", "") for part in found)


def test_federated_token_is_read_again(workplace: Workplace, signed_in: SignedIn) -> None:
    """A cluster replaces the file long before a run ends; the old token would be refused."""
    settings = workplace.settings("federated")
    signed_in.emulator.configure(token_seconds=5)
    tokens = signed_in.tokens(**settings)
    tokens.token()
    Path(settings["federated_token_file"]).write_text("no token any more", "utf-8")

    with pytest.raises(AuthenticationError, match=r"AADSTS50027.*is no token"):
        tokens.token()


def test_person_signs_in_once(workplace: Workplace, signed_in: SignedIn) -> None:
    """The next run renews what the file keeps, and asks nobody."""
    settings = workplace.settings("device_code")

    read(signed_in, settings)
    read(signed_in, settings)

    assert signed_in.sign_ins == 1


def test_person_is_asked_again_when_the_sign_in_is_over(
    workplace: Workplace, signed_in: SignedIn
) -> None:
    """A new password ends tokens and what renews them; the file is then of no use."""
    settings = workplace.settings("device_code")
    read(signed_in, settings)
    signed_in.emulator.clear()
    signed_in.emulator.clock.set(NOW)
    workplace.settings("device_code")
    signed_in.emulator.revoke_tokens()

    read(signed_in, settings)

    assert signed_in.sign_ins == 2


def test_many_callers_ask_the_person_once(workplace: Workplace, signed_in: SignedIn) -> None:
    """Calls that run side by side wait for one sign-in and share its token's renewal."""
    tokens = signed_in.tokens(**workplace.settings("device_code"))

    with ThreadPoolExecutor(4) as callers:
        got = [*callers.map(lambda _: tokens.token(), range(8))]

    assert all(got)
    assert signed_in.sign_ins == 1


def test_person_without_a_file_signs_in_each_run(workplace: Workplace, signed_in: SignedIn) -> None:
    """What nobody keeps is gone."""
    settings = {**workplace.settings("device_code"), "token_cache_path": None}

    read(signed_in, settings)
    read(signed_in, settings)

    assert signed_in.sign_ins == 2


def test_person_is_told_where_to_enter_what(
    workplace: Workplace, signed_in: SignedIn, caplog: pytest.LogCaptureFixture
) -> None:
    """The page and the code are in a warning, so that no log level hides them."""
    read(signed_in, workplace.settings("device_code"))

    (said,) = [r for r in caplog.records if r.name == "tap_m365hunting.auth.device_code"]
    assert said.levelno == logging.WARNING
    assert f"{signed_in.emulator.url}/devicelogin" in said.getMessage()
    assert said.getMessage().startswith(f"Tenant {signed_in.emulator.tenant_id}: ")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX'")
@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_cache_file_is_private(workplace: Workplace, signed_in: SignedIn, umask: int) -> None:
    """Whatever the umask says, only the user reads it; nothing else is left in the folder."""
    settings = workplace.settings("device_code")
    before = os.umask(umask)
    try:
        read(signed_in, settings)
    finally:
        os.umask(before)

    cache = Path(settings["token_cache_path"])
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    assert [*cache.parent.iterdir()] == [cache]


TAP, CHECK = ("tap-m365hunting",), ("m365hunting", "check")


@pytest.mark.parametrize(
    ("command", "method", "spoilt"),
    [
        pytest.param(TAP, "client_secret", {}, id="good"),
        pytest.param(CHECK, "certificate_pfx", {}, id="good-check"),
        pytest.param(TAP, "client_secret", {"client_id": OTHER}, id="unknown-app"),
        pytest.param(CHECK, "client_secret", {"client_id": OTHER}, id="unknown-app-check"),
        pytest.param(TAP, "certificate_pfx", {"client_id": OTHER}, id="certificate"),
        pytest.param(TAP, "certificate_locked_pem", {"certificate_path": "gone"}, id="no-file"),
        pytest.param(TAP, "federated", {"client_id": OTHER}, id="federated"),
        pytest.param(TAP, "managed_identity", {"managed_identity": OTHER}, id="machine"),
        pytest.param(TAP, "client_secret", {"client_id": 5}, id="wrong-type"),
    ],
)
def test_command_at_debug_level_shows_no_secret(
    workplace: Workplace,
    signed_in: SignedIn,
    command: tuple[str, ...],
    method: str,
    spoilt: dict[str, Any],
) -> None:
    """As a process of its own, whatever goes wrong: tracebacks and logs hold no secret."""
    settings = {**workplace.settings(method), **spoilt}
    config = {**signed_in.config(ALERTS), **settings}
    signed_in.emulator.clock.reset()  # a process has the clock of the machine
    given = {name: value for name, value in config.items() if value is not None}
    file = workplace.file("config.json", json.dumps(given))
    level = {"TAP_M365HUNTING_LOGLEVEL": "DEBUG", "LOGLEVEL": "DEBUG"}

    name, *words = command
    path = Path(sys.executable).with_name(name)
    ran = subprocess.run(
        [path, *words, "--config", file],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **level},
    )

    said = ran.stdout + ran.stderr
    assert (ran.returncode == 0) is (not spoilt)
    assert [secret for secret in secrets(workplace, settings) if secret in said] == []
    assert JWT.findall(said) == []
