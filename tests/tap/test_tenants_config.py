"""Many tenants in the settings: who signs in how, and what is wrong, by its place."""

import json
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.exceptions import ConfigValidationError

from tap_m365hunting.configuration.config import RawSettings, Settings
from tap_m365hunting.configuration.credentials import (
    AUTH_KEYS,
    Certificate,
    ClientSecret,
    Credential,
    DeviceCode,
    Federated,
    ManagedIdentity,
)
from tap_m365hunting.configuration.settings import SETTINGS

BASE: dict[str, Any] = {
    "client_id": "shared",
    "client_secret": "S3CRET",
    "queries": [{"name": "alerts", "query": "AlertInfo | project Timestamp"}],
}
TWO_WAYS = (
    "tenants[3].auth_method: certificate_path and managed_identity are different ways to sign in; "
    "keep one"
)
MACHINE = {"client_id": None, "client_secret": None, "managed_identity": "system"}
A, B, C = ({"tenant_id": name} for name in "abc")


def parsed(*tenants: object, **settings: Any) -> Settings:  # noqa: ANN401 - JSON
    """Return settings for a list of tenants."""
    said = {**BASE, "tenants": [*tenants], **settings}
    return Settings.parse(without_nulls(said), environment={})


def without_nulls(said: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that are there."""
    return {key: value for key, value in said.items() if value is not None}


def ways(*tenants: object, **settings: Any) -> list[Credential]:  # noqa: ANN401 - JSON
    """Return how the tap signs in to each tenant."""
    return [tenant.connection.credential for tenant in parsed(*tenants, **settings).tenants]


def wrong(*tenants: object, **settings: Any) -> list[str]:  # noqa: ANN401 - JSON
    """Return what is said about settings for a list of tenants."""
    with pytest.raises(ConfigValidationError) as refused:
        parsed(*tenants, **settings)
    return list(refused.value.errors)


def test_one_tenant_is_a_list_of_one_without_parts() -> None:
    """Whoever has one tenant sees nothing of lists, in rows or in state."""
    settings = Settings.parse({**BASE, "tenant_id": "a"}, environment={})

    assert [tenant.tenant_id for tenant in settings.tenants] == ["a"]
    assert not settings.partitioned
    assert settings.connection.tenant_id == "a"


def test_tenants_keep_their_order_and_their_names_and_have_one_spelling() -> None:
    """State, rows and ids hold the id in lower case, since in any spelling it is one tenant."""
    settings = parsed({"tenant_id": "B.example", "name": "Bee"}, A, max_parallel_tenants=9)

    assert [(tenant.tenant_id, tenant.name) for tenant in settings.tenants] == [
        ("b.example", "Bee"),
        ("a", None),
    ]
    assert settings.partitioned
    assert settings.parallel_tenants == 9


def test_list_of_one_is_a_list() -> None:
    """A second tenant that comes later must not change the first one's rows and state."""
    assert parsed(A).partitioned


def test_calls_at_the_same_time_have_defaults() -> None:
    """Two a tenant, four tenants: within the documented quotas."""
    settings = parsed(A)

    assert (settings.quotas.parallel_calls, settings.parallel_tenants) == (2, 4)


def test_what_is_set_for_all_holds_for_each() -> None:
    """One application that many tenants have consented to."""
    assert ways(A, B) == [ClientSecret("shared", "S3CRET")] * 2


@pytest.mark.parametrize(
    ("own", "meant"),
    [
        pytest.param({"client_secret": "own"}, ClientSecret("shared", "own"), id="secret"),
        pytest.param({"client_id": "own"}, ClientSecret("own", "S3CRET"), id="application"),
        pytest.param(
            {"client_id": "own", "client_secret": "x"}, ClientSecret("own", "x"), id="both"
        ),
        pytest.param(
            {"certificate_path": "b.pem"},
            Certificate("shared", Path("b.pem"), None),
            id="certificate-beside-a-shared-secret",
        ),
        pytest.param({"federated_token_file": "t"}, Federated("shared", Path("t")), id="workload"),
        pytest.param({"managed_identity": "system"}, ManagedIdentity("system"), id="machine"),
        pytest.param({"auth_method": "device_code"}, DeviceCode("shared", None), id="person"),
        pytest.param({"client_secret": None}, ClientSecret("shared", "S3CRET"), id="null-is-none"),
    ],
)
def test_own_way_takes_the_place_of_the_shared_one(
    own: dict[str, str | None], meant: Credential
) -> None:
    """An own way is no second way beside the shared one; the application stays, unless own."""
    assert ways(A, {**B, **own}) == [ClientSecret("shared", "S3CRET"), meant]


def test_nothing_of_the_shared_way_is_left_beside_an_own_one() -> None:
    """The password belongs to the shared certificate."""
    shared = {"client_secret": None, "certificate_path": "a.pfx", "certificate_password": "p"}

    found = ways(A, {**B, "certificate_path": "b.pem"}, **shared)

    assert found == [
        Certificate("shared", Path("a.pfx"), "p"),
        Certificate("shared", Path("b.pem"), None),
    ]


def test_each_may_have_a_way_of_its_own_and_none_be_shared() -> None:
    """Nothing has to be set for all."""
    found = ways(
        {**A, "client_id": "x", "client_secret": "y"},
        {**B, "managed_identity": "system"},
        client_id=None,
        client_secret=None,
    )

    assert found == [ClientSecret("x", "y"), ManagedIdentity("system")]


def test_environment_may_hold_the_token_file_of_all() -> None:
    """A cluster vouches for one application in every tenant."""
    said = {**BASE, "tenants": [A, {**B, "client_secret": "own"}]}
    del said["client_secret"]

    settings = Settings.parse(said, environment={"AZURE_FEDERATED_TOKEN_FILE": "/token"})

    assert [tenant.connection.credential for tenant in settings.tenants] == [
        Federated("shared", Path("/token")),
        ClientSecret("shared", "own"),
    ]


def test_shared_cache_becomes_a_file_for_each_tenant() -> None:
    """Tenants are read at the same time; in one file a sign-in would overwrite the other."""
    own = {"tenant_id": "Two.example"}

    found = ways(
        A, own, {**C, "token_cache_path": "c"}, client_secret=None, token_cache_path="k/s.bin"
    )

    caches = [way.cache for way in found if isinstance(way, DeviceCode)]
    assert caches == [Path("k/s-a.bin"), Path("k/s-two.example.bin"), Path("c")]


def test_file_holds_the_same_list(tmp_path: Path) -> None:
    """A list that another program writes needs no place in the settings."""
    file = tmp_path / "tenants.json"
    file.write_text(json.dumps([A, {**B, "name": "Bee", "client_secret": "own"}]), "utf-8")

    settings = parsed(tenants=None, tenants_file=str(file))

    assert [tenant.name for tenant in settings.tenants] == [None, "Bee"]
    assert settings.tenants[1].connection.credential == ClientSecret("shared", "own")
    assert settings.partitioned


def test_everything_that_is_wrong_is_said_at_once_by_its_place() -> None:
    """Nobody should have to run the tap once for each of fifty tenants."""
    said = wrong(
        A,
        {"tenant_id": "A", "client_secrt": "S3CRET"},
        {"name": "no id"},
        {**B, "certificate_path": "b.pem", "managed_identity": "system"},
        "S3CRET",
        {"tenant_id": "a/../b", "client_secret": ["S3CRET"]},
        {**C, "certificate_password": "S3CRET"},
    )

    assert sorted(said) == [
        "tenants[1].client_secrt: is no setting (did you mean 'client_secret'?)",
        "tenants[1].tenant_id: 'A' is that of tenants[0], too, case aside",
        "tenants[2].tenant_id: is required",
        TWO_WAYS,
        "tenants[4]: must be an object",
        "tenants[5].client_secret: must be a string",
        "tenants[5].tenant_id: must be the directory's id, a GUID, or one of its domains",
        "tenants[6].certificate_path: is required to sign in by certificate",
    ]


def test_what_is_wrong_for_all_is_said_once() -> None:
    """Fifty lines of the same would hide the fifty-first."""
    assert wrong(A, B, client_secret="") == ["client_secret: is empty"]
    assert wrong(A, B, client_id=None) == ["client_id: is required to sign in by client_secret"]
    (said,) = wrong(A, B, client_secret=None)
    assert said.startswith("auth_method: nothing says how to sign in; give one of: ")


def test_what_is_missing_for_some_is_said_with_their_place() -> None:
    """The others have what they need."""
    said = wrong({**A, "client_id": "own"}, B, client_id=None)

    assert said == ["tenants[1].client_id: is required to sign in by client_secret"]


def test_machine_signs_in_to_one_tenant() -> None:
    """Its tokens are of its own tenant, whose rows would be given out as another's."""
    (said,) = wrong(A, {**B, "client_id": "x", "client_secret": "y"}, C, **MACHINE)

    assert said.startswith("tenants[2].managed_identity: is this machine's, which is in one tenant")
    assert "tenants[0]" in said


@pytest.mark.parametrize(
    ("cache", "said"),
    [
        pytest.param("", ["token_cache_path: is empty"], id="no-file"),
        pytest.param("k", [], id="file"),
    ],
)
def test_file_for_each_tenant_of_what_is_wrong_is_no_crash(cache: str, said: list[str]) -> None:
    """What is wrong with the id or the file is told by its place."""
    found = wrong({"tenant_id": "a/b"}, client_secret=None, token_cache_path=cache)

    bad_id = "tenants[0].tenant_id: must be the directory's id, a GUID, or one of its domains"
    assert found == [bad_id, *said]


def test_cache_of_two_tenants_is_refused() -> None:
    """Each would overwrite the sign-in of the other."""
    said = wrong(*({**tenant, "token_cache_path": "k"} for tenant in (A, B)))

    assert said == [
        "tenants[1].token_cache_path: is that of tenants[0], too; each tenant needs its own"
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param(
            {"tenant_id": "a", "tenants": [B]},
            "tenants: tenant_id and tenants say which tenants are read; keep one",
            id="one-and-many",
        ),
        pytest.param(
            {"tenants": [B], "tenants_file": "f"},
            "tenants_file: tenants and tenants_file say which tenants are read; keep one",
            id="two-lists",
        ),
        pytest.param({"tenants": []}, "tenants: lists no tenant", id="empty"),
        pytest.param({"tenants": "S3CRET"}, "tenants: must be a list", id="no-list"),
        pytest.param({"tenants_file": 5}, "tenants_file: must be a string", id="no-name"),
        pytest.param(
            {"tenants_file": "gone.json"},
            "tenants_file: 'gone.json' cannot be read: No such file or directory",
            id="no-file",
        ),
        pytest.param(
            {},
            "tenant_id: is required, unless tenants or tenants_file lists the tenants",
            id="nothing",
        ),
    ],
)
def test_list_is_refused_by_its_key(settings: dict[str, object], said: str) -> None:
    """Which of two was meant is not guessed."""
    assert wrong(**{"tenants": None, **settings}) == [said]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(
            b'[{"tenant_id": "a"}, {"tenant_id": "a", "client_scret": "S3CRET"}]',
            [
                "{file}[1].client_scret: is no setting (did you mean 'client_secret'?)",
                "{file}[1].tenant_id: 'a' is that of {file}[0], too, case aside",
            ],
            id="entries",
        ),
        pytest.param(
            b'{"tenant_id": "S3CRET"}',
            ["tenants_file: '{file}' must hold a list"],
            id="no-list",
        ),
        pytest.param(b"[]", ["{file}: lists no tenant"], id="empty"),
        pytest.param(
            b'[{"client_secret": "S3CRET}]',
            [
                (
                    "tenants_file: '{file}' is not JSON: Unterminated string starting at: "
                    "line 1 column 20 (char 19)"
                )
            ],
            id="no-json",
        ),
        pytest.param(
            b"\xffS3CRET",
            ["tenants_file: '{file}' cannot be read: it is not UTF-8 text"],
            id="no-text",
        ),
        pytest.param(
            b"[" * 100_000,
            [
                (
                    "tenants_file: '{file}' is not JSON that can be read: it is nested too deeply, "
                    "beyond 100 levels"
                )
            ],
            id="too-deep",
        ),
    ],
)
def test_file_is_refused_by_its_place(tmp_path: Path, content: bytes, said: list[str]) -> None:
    """The file's name and the number of the entry say where to look; nothing of it is shown."""
    file = tmp_path / "tenants.json"
    file.write_bytes(content)

    found = wrong(tenants=None, tenants_file=str(file))

    assert found == [line.replace("{file}", str(file)) for line in said]


def test_secrets_are_in_no_text_of_the_settings() -> None:
    """Settings may be logged, or shown in a traceback."""
    tenants = [A, {**B, "client_secret": "0WN"}, {**C, "certificate_path": "p"}]
    tenants[2]["certificate_password"] = "0WN"

    shown = repr(parsed(*tenants))

    assert "S3CRET" not in shown
    assert "0WN" not in shown


def test_secrets_are_declared_as_such() -> None:
    """Who shows settings, as Meltano and the SDK do, knows what to hide."""
    listed = SETTINGS["properties"]["tenants"]
    entry = listed["items"]["properties"]

    assert listed["secret"] is True
    assert {name for name, about in entry.items() if about.get("secret")} == {
        "client_secret",
        "certificate_password",
    }


def test_look_at_queries_alone_needs_no_tenants() -> None:
    """The file with the secrets may be elsewhere; what is there has to be right."""
    queries = {"queries": BASE["queries"]}

    missing = RawSettings.read({**queries, "tenants_file": "gone"}, online=False)
    twice = RawSettings.read({**queries, "tenants": [A, A]}, online=False)

    assert list(missing.wrong) == []
    assert list(twice.wrong) == ["tenants[1].tenant_id: 'a' is that of tenants[0], too, case aside"]


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just("S3CRET"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
_ENTRY = st.dictionaries(
    st.sampled_from(["tenant_id", "name", *sorted(AUTH_KEYS)]) | st.text(max_size=3), _ANY
)


@hypothesis.settings(deadline=None)
@given(tenants=_ANY | st.lists(_ENTRY | _ANY, max_size=4), shared=_ENTRY)
def test_whatever_is_given_is_parsed_or_refused(tenants: object, shared: dict[str, object]) -> None:
    """A wrong value in a wrong place is told of, and neither shown nor a crash."""
    said = {**shared, "tenants": tenants, "queries": BASE["queries"]}

    try:
        settings = Settings.parse(said, environment={})
        lines = [f"tenant_id: {tenant.tenant_id}" for tenant in settings.tenants]
    except ConfigValidationError as refused:
        lines = refused.errors

    assert lines
    # an id is shown, and what is none of a list of choices
    hidden = [line for line in lines if "tenant_id" not in line and "is not one of" not in line]
    assert "S3CRET" not in str(hidden)
