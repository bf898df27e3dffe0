"""Each cloud has its login, its hosts and its scopes, each from a page of Microsoft's."""

import pytest

from tap_m365hunting.configuration.config import Settings

LOGIN = "https://login.microsoftonline.com"
LOGIN_US = "https://login.microsoftonline.us"
# Logins: https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud
# Hosts of Graph: https://learn.microsoft.com/en-us/graph/deployments
# Hosts of Defender: https://learn.microsoft.com/en-us/defender-xdr/usgov
# GCC has the login and the Graph of the worldwide cloud: the same page on deployments
CLOUDS = [
    ("global", "graph", LOGIN, "graph.microsoft.com"),
    ("global", "defender", LOGIN, "api.security.microsoft.com"),
    ("gcc", "graph", LOGIN, "graph.microsoft.com"),
    ("gcc", "defender", LOGIN, "api-gcc.security.microsoft.us"),
    ("gcc_high", "graph", LOGIN_US, "graph.microsoft.us"),
    ("gcc_high", "defender", LOGIN_US, "api-gov.security.microsoft.us"),
    ("dod", "graph", LOGIN_US, "dod-graph.microsoft.us"),
    ("dod", "defender", LOGIN_US, "api-gov.security.microsoft.us"),
]
PATHS = {"graph": "/v1.0/security/runHuntingQuery", "defender": "/api/advancedhunting/run"}


@pytest.mark.parametrize(("cloud", "api", "login", "host"), CLOUDS)
def test_cloud_has_its_places(cloud: str, api: str, login: str, host: str) -> None:
    """Tokens come from the cloud's login, are for the cloud's API, and go nowhere else."""
    settings = {
        "tenant_id": "t",
        "client_id": "c",
        "client_secret": "s",
        "api": api,
        "cloud": cloud,
        "queries": [{"table": "AlertInfo"}],
    }

    place = Settings.parse(settings).connection

    assert place.authority == login
    assert place.url == f"https://{host}{PATHS[api]}"
    assert place.scope == f"https://{host}/.default"


def test_another_url_keeps_the_scope_of_the_cloud() -> None:
    """A proxy or a regional host serves the API; tokens are still the API's own."""
    settings = {
        "tenant_id": "t",
        "client_id": "c",
        "client_secret": "s",
        "cloud": "gcc_high",
        "api_url": "https://proxy.contoso.example",
        "queries": [{"table": "AlertInfo"}],
    }

    place = Settings.parse(settings).connection

    assert place.url.startswith("https://proxy.contoso.example/")
    assert place.scope == "https://graph.microsoft.us/.default"
