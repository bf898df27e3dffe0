"""A secret that stands where the name of a file, or another setting, belongs is shown nowhere."""

import json
from typing import Any

import pytest

from tests.security.hosts import reply
from tests.security.processes import COMMANDS, TAP
from tests.security.world import CLIENT_INFO, DEVICE, LOST, REFRESH, TENANT, World, token_answer

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
    "plain-key": {LOST: "client_secret"},
    "plain-key-of-query": {"queries": [{"name": "a", "query": "T", JWT: 1}]},
    "plain-key-of-tenant": {"tenant_id": None, "tenants": [{"tenant_id": TENANT, PEM: 1}]},
    "plain-map": {"stream_maps": {JWT: {}}},
    "plain-start": {"start_date": LOST},
    "plain-name": {"queries": [{"name": TENANTS, "query": "T"}]},
    "plain-table": {"queries": [{"table": JWT}]},
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_secret_in_a_wrong_place_is_in_no_output(world: World, place: str) -> None:
    """What is wrong is told by the key."""
    for name, ran in world.everything(**PLACES[place]).items():
        assert ran.holds(LOST) == [], (name, ran.errors)
        assert b"Traceback" not in ran.errors or "debug" in name


ENTRA = "iK28Q~iGp.58WAm_dX3a5IDnOdcdbWB2dC4.DSDC"
NO_NAMES = {
    "entra": ENTRA,
    "key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "address": f"https://user:{LOST}@host/x",
    "password": "Passw0rd.",
}


@pytest.mark.parametrize("kind", NO_NAMES)
def test_secret_in_the_form_of_a_name_is_in_no_output(world: World, kind: str) -> None:
    """Secrets have dots and slashes, too; and no file is found under them."""
    text = NO_NAMES[kind]
    flow = {"user_code": "AB", "device_code": DEVICE, "expires_in": 900, "interval": 1}
    signed_in = token_answer(refresh_token=REFRESH, client_info=CLIENT_INFO)
    world.login = lambda asked: reply(flow if "devicecode" in asked.path else signed_in)
    places: list[dict[str, Any]] = [
        {**NO_SECRET, "certificate_path": text},
        {**NO_SECRET, "federated_token_file": text},
        {**NO_SECRET, "auth_method": "device_code", "token_cache_path": f"{text}/x"},
        {"tenant_id": None, "tenants_file": text},
        {"queries": [{"name": "a", "query_file": text}]},
        {"queries": [{"name": "a", "sigma_rule": text}]},
    ]
    for place in places:
        for ran in (world.tap(**place), world.check(**place)):
            assert ran.status == 1
            assert ran.holds(text, LOST) == [], ran.errors
    for command in ([TAP], [COMMANDS, "check"], [COMMANDS, "plan"]):
        ran = world.processes.run([*command, "--config", text], world.environment, level="debug")

        assert ran.holds(text, LOST) == []
        assert b"--config" in ran.errors


SLIPS: dict[str, dict[str, Any]] = {
    "client_secrt: is no setting (did you mean 'client_secret'?)": {"client_secrt": "x"},
    "stream_maps.alrets: there is no such stream": {"stream_maps": {"alrets": {}}},
    "start_date: 'last week' is not a UTC time": {"start_date": "last week"},
    "start_date: '2026-01-31 24:00Z' is not a UTC time": {"start_date": "2026-01-31 24:00Z"},
    "queries[0].name: 'alerts-2' must be": {"queries": [{"name": "alerts-2", "query": "T"}]},
    "queries[0].table: 'AlertInfo | take 5' is no table": {
        "queries": [{"table": "AlertInfo | take 5"}]
    },
}


@pytest.mark.parametrize("told", SLIPS)
def test_slip_that_is_no_secret_is_named(world: World, told: str) -> None:
    """A person mends what they are shown."""
    ran = world.check("--offline", **SLIPS[told])

    assert ran.status == 1
    assert told in " ".join(ran.text.decode().split())


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
    "yaml-indented": f"  - client_secret: {LOST}\n",
    "yaml-quoted": f'"client_secret": {LOST}\n',
    "yaml-list": f"- {LOST}\n- b\n",
    "netrc": f"machine api.example login me password {LOST}\n",
    "pgpass": f"db.example:5432:*:reader:{LOST}\n",
    "xml": f'<?xml version="1.0"?>\n<add key="ClientSecret" value="{LOST}" />\n',
    "bearer": f"Bearer {LOST}\n",
    "header": f"Authorization: Bearer {LOST}\n",
    "cmd": f"@echo off\nset CLIENT_SECRET={LOST}\n",
    "cmd-set": f"set CLIENT_SECRET={LOST}\n",
    "cmd-semicolon": f"set CONNECTION=Endpoint=x;SharedAccessKey={LOST}\n",
    "powershell": f"$env:CLIENT_SECRET = '{LOST}'\n",
    "registry": f'Windows Registry Editor Version 5.00\n\n[HKEY_X\\Y]\n"Secret"="{LOST}"\n',
    "registry-value": f'"ClientSecret"="{LOST}"\n',
    "ini": f"[default]\naws_secret_access_key = {LOST}\n",
    "ssh": f"ssh-rsa AAAAB3NzaC1yc2E{LOST} me@host\n",
    "token-of-lines": f"eyJhbGciOiJSUzI1NiJ9.\neyJ{LOST}In0.\nc2ln\n",
    "client-secret": f"{ENTRA}\n",
    "base64": f"MIIKcQIBAzCCCi0GCSqG3b4{LOST}\nA1b2C3d4E5f6G7h8\n",
    "json-list-with-comment": f'[ // tenants\n  {{"client_secret": "{LOST}"}}\n]\n',
    "json-texts-with-comment": f'["{LOST}", // the secret\n "b"]\n',
    "json-after-comment": f'/* tenants */ {{"client_secret": "{LOST}"}}\n',
}


@pytest.mark.parametrize("kind", FILES)
def test_file_of_secrets_is_refused_where_kql_is_wanted(world: World, kind: str) -> None:
    """Offline, and not sent to the service, which would keep it in its logs."""
    file = world.folder / "secrets.txt"
    file.write_text(FILES[kind], "utf-8")
    query = {"name": "a", "query_file": str(file)}

    for name, ran in world.everything(queries=[query]).items():
        assert ran.holds(LOST, ENTRA) == [], name
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
        "set truncationmaxsize=1048576;\nAlertInfo",
        "set QUERY_TAKE_MAX_RECORDS=5; AlertInfo",
        "Office365ActivityDetails_CL",
        "AlertInfo // CLIENT_SECRET=x\n| take 5",
        "print x = 1",
        "union DeviceEvents,\nAlertInfo",
        "DeviceFileEvents | where SHA1 == 'da39a3ee5e6b4b0d3255bfef95601890afd80709'",
    ],
)
def test_query_that_looks_a_little_like_settings_is_read(world: World, text: str) -> None:
    """What is refused is surely no KQL."""
    file = world.folder / "query.kql"
    file.write_text(text, "utf-8")

    ran = world.check("--offline", queries=[{"name": "a", "query_file": str(file)}])

    assert b"and no KQL" not in ran.text


HASH = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
REFUSED = (
    f"AlertInfo | {ENTRA}",
    f"AlertInfo | where Title == '{ENTRA}' | take 5",
    f"curl -H 'Key: {ENTRA}'",
    f"AlertInfo | extend a = a{ENTRA.replace('~', '_').replace('.', '_')}b(",
    f"AlertInfo | where SHA1 == '{HASH}' and Title == '{JWT}' | take 5",
)


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_token_in_a_query_that_is_refused_is_in_no_output(world: World, text: str) -> None:
    """The line in question is shown to mend it, with stars for the token; hashes stay."""
    query = [{"name": "a", "query": text}]

    told = world.check("--offline", queries=query)
    as_json = world.check("--offline", "--format", "json", queries=query)

    for ran in (told, as_json):
        assert ran.status == 1
        assert ran.holds(ENTRA, ENTRA.replace("~", "_").replace(".", "_"), JWT, LOST) == []
    assert b"************" in told.text
    assert HASH not in text or HASH.encode() in as_json.text
    for ran in world.everything(queries=query).values():
        assert ran.holds(ENTRA, JWT, LOST) == []


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


STATE = json.dumps({"bookmarks": {}, "client_secret": LOST})


@pytest.mark.parametrize("option", ["--state", "--catalog"])
@pytest.mark.parametrize("text", [STATE, STATE * 20, ENTRA, JWT], ids=range(4))
def test_text_in_the_place_of_an_input_file_is_in_no_output(
    world: World, option: str, text: str
) -> None:
    """The option is told, as in click's own words, with its status."""
    config = str(world.config())
    for command in ([TAP], [COMMANDS, "plan"]):
        for level in ("info", "debug"):
            run = world.processes.run
            ran = run([*command, "--config", config, option, text], world.environment, level=level)

            assert ran.status == 2
            assert ran.holds(LOST, text) == [], ran.errors
            assert option.encode() in ran.errors


def test_input_file_that_is_not_there_is_named(world: World) -> None:
    """By the name, for who slipped in it."""
    config = str(world.config())
    for command in ([TAP], [COMMANDS, "plan"]):
        run = world.processes.run
        ran = run([*command, "--config", config, "--state", "gone.json"], world.environment)

        assert ran.status == 2
        assert b"'gone.json': No such file or directory" in b" ".join(ran.errors.split())
