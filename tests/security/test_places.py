"""A secret that stands where the name of a file, or another setting, belongs is shown nowhere."""

import json
from typing import Any

import pytest

from tests.security.processes import COMMANDS, TAP
from tests.security.world import TENANT, World

LOST = "L0stS3cretValue"
PEM = (
    f"-----BEGIN PRIVATE KEY-----\nMIIE{LOST}\n-----END PRIVATE KEY-----\n"
    "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
)
JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJ{LOST}In0.c2ln"
TENANTS = json.dumps([{"tenant_id": TENANT, "client_secret": LOST}])
NO_SECRET: dict[str, Any] = {"client_secret": None}
PLACES: dict[str, dict[str, Any]] = {
    "certificate": {**NO_SECRET, "certificate_path": PEM},
    "certificate-long": {**NO_SECRET, "certificate_path": PEM * 5},
    "federated": {**NO_SECRET, "federated_token_file": JWT},
    "federated-long": {**NO_SECRET, "federated_token_file": JWT * 20},
    "token-cache": {
        **NO_SECRET, "auth_method": "device_code", "token_cache_path": json.dumps({"secret": LOST}),
    },
    "tenants": {"tenant_id": None, "tenants_file": TENANTS},
    "tenants-long": {"tenant_id": None, "tenants_file": TENANTS * 10},
    "query": {"queries": [{"name": "a", "query_file": f"AlertInfo | where Title == '{LOST}'"}]},
    "sigma": {"queries": [{"name": "a", "sigma_rule": f"title: {LOST}\nlogsource: {{}}"}]},
    "auth-method": {"auth_method": LOST},
    "api": {"api": LOST},
    "identity": {**NO_SECRET, "client_id": None, "managed_identity": LOST},
    "api-user": {"api_url": f"https://user:{LOST}@localhost"},
    "authority-user": {"authority_url": f"https://user:{LOST}@localhost"},
    "secret-list": {"client_secret": [LOST]},
    "secret-object": {"client_secret": {LOST: LOST}},
    "tenants-object": {"tenant_id": None, "tenants": {"a": LOST}},
    "tenants-texts": {"tenant_id": None, "tenants": [LOST]},
    "method": {"queries": [{"name": "a", "query": "T", "replication_method": LOST}]},
    "maps": {"stream_maps": LOST},
    "faker": {"faker_config": {"locale": {"a": LOST}}},
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_secret_in_a_wrong_place_is_in_no_output(world: World, place: str) -> None:
    """What is wrong is told by the key."""
    for name, ran in world.everything(**PLACES[place]).items():
        assert ran.holds(LOST) == [], (name, ran.errors)
        assert b"Traceback" not in ran.errors or "debug" in name


@pytest.mark.parametrize("url", ["api_url", "authority_url"])
def test_path_of_a_url_is_in_no_log(world: World, url: str) -> None:
    """A gateway's key may be a part of it."""
    given: dict[str, Any] = {url: f"{world.host.url}/{LOST}"}
    for level in ("info", "debug"):
        ran = world.tap(level=level, **given)

        assert ran.holds(LOST) == []


FILES = {
    "env": f"# settings\nCLIENT_SECRET={LOST}\n",
    "exported": f"export CLIENT_SECRET={LOST}\n",
    "pem": PEM,
    "json": json.dumps({"client_secret": LOST}),
    "json-list": TENANTS,
    "token": JWT,
    "yaml": f"client_secret: {LOST}\n",
}


@pytest.mark.parametrize("kind", FILES)
def test_file_of_secrets_is_refused_where_kql_is_wanted(world: World, kind: str) -> None:
    """Offline, and not sent to the service, which would keep it in its logs."""
    file = world.folder / "secrets.txt"
    file.write_text(FILES[kind], "utf-8")
    query = {"name": "a", "query_file": str(file)}

    for name, ran in world.everything(queries=[query]).items():
        assert ran.holds(LOST) == [], name
        assert ran.status == 1
    offline = world.check("--offline", queries=[query])

    assert b"and no KQL" in offline.output
    assert world.host.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "let n = 5;\nAlertInfo\n| take n",
        "// Key = value\nAlertInfo | where A == 1",
        "['Odd table'] | project Timestamp",
        '["Odd table"] | project Timestamp',
        "declare query_parameters(a:int = 5);\nAlertInfo",
        "set notruncation;\nAlertInfo",
        "AlertInfo\n| extend X = 1",
    ],
)
def test_query_that_looks_a_little_like_settings_is_read(world: World, text: str) -> None:
    """What is refused is surely no KQL."""
    file = world.folder / "query.kql"
    file.write_text(text, "utf-8")

    ran = world.check("--offline", queries=[{"name": "a", "query_file": str(file)}])

    assert b"and no KQL" not in ran.text


def test_line_of_a_sigma_file_is_in_no_output(world: World) -> None:
    """Neither of one that is no YAML, nor of one that is no rule."""
    for text in (f"title: a\nsecret: '{LOST}\n  - x: [", f"password: {LOST}\n"):
        rule = world.folder / "rule.yml"
        rule.write_text(text, "utf-8")

        ran = world.check("--offline", queries=[{"name": "a", "sigma_rule": str(rule)}])

        assert ran.status == 1
        assert ran.holds(LOST) == []


def test_settings_in_the_place_of_their_file_are_in_no_output(world: World) -> None:
    """`--config '{…}'`, as a shell's history has it already."""
    text = json.dumps({"client_secret": LOST})
    for command in ([TAP], [COMMANDS, "check"], [COMMANDS, "plan"]):
        for level in ("info", "debug"):
            run = world.processes.run
            ran = run([*command, "--config", text], world.environment, level=level)

            assert ran.status == 1
            assert ran.holds(LOST) == []
            assert b"--config" in ran.errors
