"""What a reviewer would ask about is said, once, and stops nothing unless it must."""

from typing import Any

import pytest

from tests.security.processes import TAP
from tests.security.world import SECRET, World


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
