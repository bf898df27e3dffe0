"""Which way to sign in the settings mean; what is missing for it is said before any call."""

from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.configuration.config import RawSettings, Settings
from tap_m365hunting.configuration.credentials import (
    METHODS,
    Certificate,
    ClientSecret,
    Credential,
    DeviceCode,
    Federated,
    ManagedIdentity,
)

BASE: dict[str, Any] = {
    "tenant_id": "t",
    "queries": [{"name": "alerts", "query": "AlertInfo | project Timestamp"}],
}
GUID = "00001111-aaaa-2222-bbbb-3333cccc4444"
NO_IDENTITY = (
    "managed_identity: must be system, a client id (a GUID), a resource id (/subscriptions/...), "
    "or object_id: and a GUID"
)
NAMED_AND_GIVEN = (
    "auth_method: auth_method certificate and client_secret are different ways to sign in; keep one"
)
OWN = {
    "client_secret": "S3CRET",
    "certificate_path": "tap.pem",
    "federated_token_file": "token",
    "managed_identity": "system",
    "token_cache_path": "cache",
}


def signing_in(settings: dict[str, Any], **environment: str) -> Credential:
    """Return the way to sign in that settings mean."""
    return Settings.parse({**BASE, **settings}, environment=environment).connection.credential


def wrong(settings: dict[str, Any], **environment: str) -> list[str]:
    """Return what is said about settings."""
    with pytest.raises(ConfigValidationError) as refused:
        signing_in(settings, **environment)
    return list(refused.value.errors)


@pytest.mark.parametrize(
    ("settings", "meant"),
    [
        pytest.param(
            {"client_id": "c", "client_secret": "s"}, ClientSecret("c", "s"), id="client_secret"
        ),
        pytest.param(
            {"client_id": "c", "certificate_path": "a.pem"},
            Certificate("c", Path("a.pem"), None),
            id="certificate",
        ),
        pytest.param(
            {"client_id": "c", "certificate_path": "a.pfx", "certificate_password": "p"},
            Certificate("c", Path("a.pfx"), "p"),
            id="certificate-with-password",
        ),
        pytest.param(
            {"client_id": "c", "federated_token_file": "t"},
            Federated("c", Path("t")),
            id="federated",
        ),
        pytest.param({"managed_identity": "system"}, ManagedIdentity("system"), id="machine"),
        pytest.param(
            {"managed_identity": GUID}, ManagedIdentity("client_id", GUID), id="machine-by-client"
        ),
        pytest.param(
            {"managed_identity": f"object_id:{GUID}"},
            ManagedIdentity("object_id", GUID),
            id="machine-by-object",
        ),
        pytest.param(
            {"managed_identity": "/subscriptions/s/x"},
            ManagedIdentity("resource_id", "/subscriptions/s/x"),
            id="machine-by-resource",
        ),
        pytest.param(
            {"client_id": "c", "auth_method": "device_code"},
            DeviceCode("c", None),
            id="device_code",
        ),
        pytest.param(
            {"client_id": "c", "token_cache_path": "k"},
            DeviceCode("c", Path("k")),
            id="device_code-by-its-file",
        ),
    ],
)
def test_way_is_inferred(settings: dict[str, Any], meant: Credential) -> None:
    """One setting that only one way has is enough."""
    assert signing_in(settings) == meant


def test_way_may_be_named_too() -> None:
    """Naming what would be inferred changes nothing."""
    settings = {"client_id": "c", "client_secret": "s", "auth_method": "client_secret"}

    assert signing_in(settings) == ClientSecret("c", "s")


@pytest.mark.parametrize("method", [None, "federated"])
def test_environment_may_hold_the_token_file(method: str | None) -> None:
    """A cluster sets the variable; the settings need not repeat it."""
    settings = {"client_id": "c"} | ({"auth_method": method} if method else {})

    meant = signing_in(settings, AZURE_FEDERATED_TOKEN_FILE="/var/run/token")

    assert meant == Federated("c", Path("/var/run/token"))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"client_id": "c", "client_secret": "s"}, id="secret"),
        pytest.param({"client_id": "c", "auth_method": "device_code"}, id="named"),
        pytest.param({"managed_identity": "system"}, id="machine"),
    ],
)
def test_settings_beat_the_environment(settings: dict[str, Any]) -> None:
    """What a cluster sets for all its workloads is no second way."""
    meant = signing_in(settings, AZURE_FEDERATED_TOKEN_FILE="/var/run/token")

    assert not isinstance(meant, Federated)


@hypothesis.settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(OWN)), min_size=2))
def test_two_ways_are_refused_by_name(keys: set[str]) -> None:
    """Which of two was meant is not guessed; both are named, no value is shown."""
    (said,) = wrong({"client_id": "c", **{key: OWN[key] for key in keys}})

    assert said.startswith("auth_method: ")
    assert all(key in said for key in keys)
    assert "S3CRET" not in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param(
            {"client_id": "c", "client_secret": "S3CRET", "auth_method": "certificate"},
            [NAMED_AND_GIVEN],
            id="named-one-given-another",
        ),
        pytest.param(
            {"client_secret": "S3CRET"},
            ["client_id: is required to sign in by client_secret"],
            id="secret-without-client",
        ),
        pytest.param(
            {"auth_method": "client_secret"},
            [
                "client_id: is required to sign in by client_secret",
                "client_secret: is required to sign in by client_secret",
            ],
            id="secret-without-anything",
        ),
        pytest.param(
            {"client_id": "c", "certificate_password": "S3CRET"},
            ["certificate_path: is required to sign in by certificate"],
            id="password-without-certificate",
        ),
        pytest.param(
            {"client_id": "c", "auth_method": "federated"},
            ["federated_token_file: is required to sign in by federated"],
            id="federated-without-file",
        ),
        pytest.param(
            {"auth_method": "managed_identity"},
            ["managed_identity: is required to sign in by managed_identity"],
            id="machine-without-name",
        ),
        pytest.param(
            {"managed_identity": "user"},
            [NO_IDENTITY],
            id="machine-with-another-name",
        ),
        pytest.param(
            {"auth_method": "device_code"},
            ["client_id: is required to sign in by device_code"],
            id="device-without-client",
        ),
        pytest.param(
            {"client_id": "c ", "client_secret": "s\n"},
            [
                "client_id: starts or ends with a space or a line end; take it out",
                "client_secret: starts or ends with a space or a line end; take it out",
            ],
            id="spaces-around",
        ),
        pytest.param(
            {"client_id": "c", "client_secret": ""}, ["client_secret: is empty"], id="empty"
        ),
        pytest.param(
            {"client_id": "c", "auth_method": "certifcate"},
            [f"auth_method: 'certifcate' is not one of: {', '.join(METHODS)}"],
            id="no-method",
        ),
    ],
)
def test_what_is_missing_is_named(settings: dict[str, Any], said: list[str]) -> None:
    """Each mistake names the key and the way that needs it."""
    assert wrong(settings) == said


@pytest.mark.parametrize("client", [{}, {"client_id": "c"}], ids=["nothing", "client-alone"])
def test_no_way_lists_the_ways(client: dict[str, str]) -> None:
    """Whoever starts learns what there is."""
    (said,) = wrong(client)

    assert said.startswith("auth_method: nothing says how to sign in; give one of: ")
    assert all(key in said for key in OWN if key != "token_cache_path")
    assert "AZURE_FEDERATED_TOKEN_FILE" in said


def test_queries_alone_need_no_way() -> None:
    """A look at the queries offline asks nobody, so nobody signs in."""
    assert RawSettings.read(BASE, environment={}, online=False).wrong == ()


@pytest.mark.parametrize("key", ["client_secret", "certificate_password"])
def test_secret_of_a_wrong_type_is_not_shown(key: str) -> None:
    """A mistake in the settings must not put a secret into a log."""
    said = wrong({"client_id": "c", "certificate_path": "p", key: {"value": "S3CRET"}})

    assert f"{key}: must be a string" in said
    assert "S3CRET" not in "".join(said)


@pytest.mark.parametrize(
    "settings",
    [{"client_secret": "S3CRET"}, {"certificate_path": "a", "certificate_password": "S3CRET"}],
    ids=["secret", "password"],
)
def test_secret_is_in_no_text_of_the_way(settings: dict[str, str]) -> None:
    """What is logged or shown in a traceback holds no secret."""
    assert "S3CRET" not in repr(signing_in({"client_id": "c", **settings}))
