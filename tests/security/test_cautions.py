"""What a reviewer would ask about is said, once, and stops nothing unless it must."""

import json
from typing import Any

import pytest

from tests.security.processes import COMMANDS, TAP
from tests.security.world import SECRET, TENANT, World


def test_settings_that_all_can_read_are_warned_of(world: World) -> None:
    """They hold a secret; those without are nobody's concern."""
    path = world.config()
    path.chmod(0o644)
    run = world.processes.run

    ran = run([TAP, "--config", str(path)], world.environment)

    assert ran.status == 0
    assert ran.errors.count(b"holds a secret, and every user of this machine can read it") == 1
    assert SECRET.encode() not in ran.text
    path.chmod(0o600)
    assert b"every user" not in run([TAP, "--config", str(path)], world.environment).errors


READ, BOTH = b"user of this machine can read it", b"user of this machine can read and change it"


@pytest.mark.parametrize("program", ["tap", "check", "plan"])
def test_tenants_that_all_can_read_are_warned_of(world: World, program: str) -> None:
    """A file of tenants has their secrets, as settings have; so has one with a token."""
    file, token = world.folder / "tenants.json", world.folder / "token.jwt"
    tenants = [
        {"tenant_id": TENANT, "client_secret": SECRET},
        {"tenant_id": "contoso.example", "federated_token_file": str(token)},
    ]
    file.write_text(json.dumps(tenants)[:-2] + ', "name": "a", "name": "b"}]', "utf-8")
    token.write_text("", "utf-8")
    given: dict[str, Any] = {"tenant_id": None, "client_secret": None, "tenants_file": str(file)}
    commands = {"tap": [TAP], "check": [COMMANDS, "check"], "plan": [COMMANDS, "plan"]}
    command = [*commands[program], "--config", str(world.config(**given))]

    for mode, warned in ((0o644, READ), (0o666, BOTH), (0o600, None)):
        file.chmod(mode)
        token.chmod(mode)
        errors = world.processes.run(command, world.environment).errors

        for name, what in ((file, b" holds a secret"), (token, b" holds a token")):
            told = [line for line in errors.splitlines() if what in line]
            assert len(told) == (warned is not None)
            assert all(name.name.encode() in line and (warned or b"") in line for line in told)
        assert errors.count(b"the key 'name' stands twice") == 1
        assert SECRET.encode() not in errors


@pytest.mark.parametrize(
    ("settings", "mode", "said"),
    [
        pytest.param(
            {"stream_map_config": {"hash_seed": "S"}, "client_secret": None},
            0o644,
            b"holds a secret, and every user of this machine can read it",
            id="seed-of-hashes",
        ),
        pytest.param(
            {"client_secret": None},
            0o602,
            b"is for settings, and every user of this machine can change it",
            id="change",
        ),
    ],
)
def test_settings_that_all_can_change_or_that_hold_a_seed_are_warned_of(
    world: World, settings: dict[str, Any], mode: int, said: bytes
) -> None:
    """Whoever changes them says where the secret goes; a seed tells what a hash stands for."""
    path = world.config(**settings)
    path.chmod(mode)
    command = [COMMANDS, "check", "--offline", "--config", str(path)]

    ran = world.processes.run(command, world.environment)

    assert ran.errors.count(said) == 1


def test_host_that_is_none_of_microsofts_is_named_once(world: World) -> None:
    """A slip there sends the secret to a stranger."""
    for ran in (world.tap(level="info"), world.check(level="info")):
        assert ran.status == 0
        assert ran.errors.count(b"goes to localhost, which is no host of Microsoft's") == 2
        assert ran.errors.count(b"authority_url: ") == ran.errors.count(b"api_url: ") == 1


@pytest.mark.parametrize("host", ["login.microsoftonline.com", "login.microsoftonline.us"])
def test_host_of_microsoft_is_not_named(world: World, host: str) -> None:
    """Neither by its own name, nor is one that only ends like it taken for one."""
    given: dict[str, Any] = {
        "authority_url": f"https://{host}",
        "api_url": "https://evilmicrosoft.com",
    }

    ran = world.check("--offline", **given)

    assert b"authority_url: " not in ran.errors
    assert ran.errors.count(b"goes to evilmicrosoft.com, which is no host of") == 1


@pytest.mark.parametrize("tenant", ["adfs", "ADFS", ".", "..", "a..b", "a/b", "x."])
def test_tenant_that_would_change_the_place_of_the_login_is_refused(
    world: World, tenant: str
) -> None:
    """AD FS says itself where the secret goes; dots lead out of the tenant's folder."""
    ran = world.tap(level="info", tenant_id=tenant)

    assert ran.status == 1
    assert b"tenant_id: must be the directory's id" in ran.errors
    assert world.host.asked == []


@pytest.mark.parametrize("path", ["/adfs", "/x/adfs", "/ADFS/"])
def test_authority_of_ad_fs_is_refused(world: World, path: str) -> None:
    """There are no tenants, and endpoints that any answer may name."""
    ran = world.tap(level="info", authority_url=world.host.url + path)

    assert ran.status == 1
    assert b"authority_url: is that of AD FS" in ran.errors
    assert world.host.asked == []


def test_key_that_stands_twice_is_named(world: World) -> None:
    """The last one counts, and the first is forgotten without a word."""
    path = world.config()
    text = path.read_text("utf-8")
    path.write_text(text[:-1] + ', "client_id": "x", "client_id": "y"}', "utf-8")

    ran = world.processes.run([TAP, "--config", str(path)], world.environment)

    assert ran.errors.count(b"the key 'client_id' stands twice") == 1


@pytest.mark.parametrize("kind", ["state", "catalog", "variable"])
def test_key_that_stands_twice_is_named_in_all_that_people_write(world: World, kind: str) -> None:
    """A secret in the place of a key is not shown."""
    twice = '{{"bookmarks": {{}}, "streams": [], "{0}": {{}}, "{0}": {{}}}}'
    path, options = world.folder / f"{kind}.json", ["--config", str(world.config())]
    for key, shown in (("stream_maps", b"'stream_maps'"), (SECRET, b"(not shown")):
        if kind == "variable":
            world.environment["TAP_M365HUNTING_STREAM_MAPS"] = twice.format(key)
            more = ["--config", "ENV"]
        else:
            path.write_text(twice.format(key), "utf-8")
            more = [f"--{kind}", str(path)]

        errors = world.processes.run([TAP, *options, *more], world.environment).errors

        assert errors.count(b"the key " + shown) == 1
        assert SECRET.encode() not in errors
