"""Bearer tokens from Entra ID, by every way to sign in offered by the settings."""

import time
from collections.abc import Callable

from tap_m365hunting.auth.claims import explained
from tap_m365hunting.auth.tokens import TokenSource
from tap_m365hunting.configuration.config import Connection
from tap_m365hunting.configuration.credentials import DeviceCode, ManagedIdentity

__all__ = ["TokenSource", "explained", "token_source"]


def token_source(
    connection: Connection,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> TokenSource:
    """Return the source of tokens for the configured way to sign in.

    `clock` tells seconds since the epoch, to notice an expired certificate; `sleep` waits for a
    person. No request is sent and no file read before the first token is wanted.
    """
    # MSAL takes longer to import than all the rest, and `--help` needs none of it
    if isinstance(connection.credential, ManagedIdentity):
        from tap_m365hunting.auth.managed_identity import ManagedIdentityTokens

        return ManagedIdentityTokens(connection, connection.credential)
    if isinstance(connection.credential, DeviceCode):
        from tap_m365hunting.auth.device_code import DeviceCodeTokens

        return DeviceCodeTokens(connection, connection.credential, sleep=sleep)
    from tap_m365hunting.auth.client_credentials import ApplicationTokens

    return ApplicationTokens(connection, connection.credential, clock=clock)
