"""Errors, named by the way out of each.

    singer_sdk.exceptions
      ConfigValidationError        raised as it is: a setting is wrong
      UnusableInputError           a file, or a variable, that was named is wrong; `.errors`
      FatalAPIError                a retry cannot help
        AuthenticationError          no token, or a permission is missing
        ConnectionSetupError         this machine cannot reach the service as it is set up
        QueryRejectedError           the service will not run this KQL; `.line`, `.table`
      RetriableAPIError            a retry may help
        ThrottledError               a quota is spent; `.retry_after`, `.text`
        ServiceError                 5xx, or the connection broke
          SignInError                  Entra ID does not answer, for whatever query
          UnreachableError             no host answers: nothing listens, or DNS has no address
            LoginUnreachableError        … at the address of the sign-in
      WindowTooLargeError          narrow the window (size, pre-empted, time-out); `.size`
      FatalSyncError               going on would lose rows
        SchemaDriftError             the result no longer fits the stream's schema
      QueryTextError               the text is no KQL that can be bounded; `.line`, `.column`

Each message says what happened, where (tenant, stream, window) and what to do.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from singer_sdk.exceptions import (
    ConfigValidationError,
    FatalAPIError,
    FatalSyncError,
    RetriableAPIError,
    SingerSDKError,
    SyncError,
)

from tap_m365hunting.known_secrets import without_secrets

__all__ = [
    "TENANT_ERRORS",
    "AuthenticationError",
    "ConnectionSetupError",
    "FatalSyncError",
    "LoginUnreachableError",
    "QueryRejectedError",
    "QueryTextError",
    "SchemaDriftError",
    "ServiceError",
    "SignInError",
    "ThrottledError",
    "UnreachableError",
    "UnusableInputError",
    "WindowTooLargeError",
    "lines_of",
    "unquoted",
]


def lines_of(error: SingerSDKError) -> Sequence[str]:
    """Return the text of an error, a line for each problem."""
    if isinstance(error, ConfigValidationError):
        return (*error.errors, str(error))
    return error.errors if isinstance(error, UnusableInputError) else (str(error),)


@contextmanager
def unquoted(secret: str) -> Iterator[None]:
    """Take a secret out of each text of an error of the tap that passes, and of its causes."""
    try:
        yield
    except SingerSDKError as error:
        cause: BaseException | None = error
        while cause:
            if isinstance(cause, SingerSDKError):
                _take_out(secret, cause)
            cause = cause.__cause__ or cause.__context__
        raise


def _take_out(secret: str, error: SingerSDKError) -> None:
    texts = {name: value for name, value in vars(error).items() if isinstance(value, str)}
    vars(error).update({name: without_secrets([secret], text) for name, text in texts.items()})
    error.args = tuple(
        without_secrets([secret], part) if isinstance(part, str) else part for part in error.args
    )


class UnusableInputError(SingerSDKError):
    """An input that was named cannot be used; `errors` has a line for each reason."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = tuple(errors)


class AuthenticationError(FatalAPIError):
    """No token, or a token without the permission for the call.

    `fresh_token_may_help` is false where the token is good and the tenant or the grant is not.
    """

    def __init__(
        self, message: str, *, fresh_token_may_help: bool = False, may_be_of_query: bool = False
    ) -> None:
        super().__init__(message)
        self.fresh_token_may_help = fresh_token_may_help
        self.may_be_of_query = may_be_of_query


class ConnectionSetupError(FatalAPIError):
    """The machine cannot reach the service as set up: TLS, a proxy, an address."""


class QueryRejectedError(FatalAPIError):
    """The service will not run the KQL, however often asked.

    `text` is the service's own message; `line` counts from 1 in the sent text, and is `None` if the
    message names no line. `table` is a table missing from the tenant, for a refusal of such a
    table.
    """

    def __init__(
        self,
        message: str,
        *,
        text: str = "",
        line: int | None = None,
        table: str | None = None,
    ) -> None:
        super().__init__(message)
        self.text = text
        self.line = line
        self.table = table


class ThrottledError(RetriableAPIError):
    """A quota of the tenant is spent.

    `retry_after` is the raw header (seconds or a date), `None` if absent; `text` is the service's
    message, perhaps with the quota or the time.
    """

    def __init__(self, message: str, *, retry_after: str | None = None, text: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.text = text


class ServiceError(RetriableAPIError):
    """The service failed, or the connection broke before the answer was whole.

    `retry_after` is the raw header, `None` if absent.
    """

    def __init__(self, message: str, *, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SignInError(ServiceError):
    """Entra ID does not answer; until then no query can be asked."""


class UnreachableError(ServiceError):
    """No host answers: no listener, a name without an address, or an absent proxy."""


class LoginUnreachableError(SignInError, UnreachableError):
    """No host answers at the address of the sign-in, or none like Entra ID."""


class WindowTooLargeError(SyncError):
    """The service cannot answer for so wide a window; a narrower window may work.

    `size` marks too many bytes, as opposed to too costly a query; `silent` a time-out without a
    word of the service.
    """

    def __init__(self, message: str, *, size: bool = False, silent: bool = False) -> None:
        super().__init__(message)
        self.size = size
        self.silent = silent


class SchemaDriftError(FatalSyncError):
    """The result's columns no longer fit the stream's schema, and the settings forbid to follow."""


class QueryTextError(ValueError):
    """A query text unfit for windows: no KQL to bound. `line` and `column` count from 1."""

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


#: Before a tenant's first answer these hold for every query of the tenant.
TENANT_ERRORS: Final = (AuthenticationError, ConnectionSetupError, SignInError, UnreachableError)
