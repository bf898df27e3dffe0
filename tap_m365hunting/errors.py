"""What can go wrong, named by what can be done about it.

    singer_sdk.exceptions
      ConfigValidationError        raised as it is: a setting is wrong
      FatalAPIError                a retry cannot help
        AuthenticationError          no token, or a permission is missing
        QueryRejectedError           the service will not run this KQL
      RetriableAPIError            a retry may help
        ThrottledError               a quota is spent; `.retry_after`
        ServiceError                 5xx, or the connection broke
      WindowTooLargeError          narrow the window (size, pre-empted, time-out, row cap)
      FatalSyncError               going on would lose rows
      QueryTextError               the text is no KQL that can be bounded; `.line`, `.column`

Each message says what happened, where (tenant, stream, window) and what to do.
"""

from singer_sdk.exceptions import FatalAPIError, FatalSyncError, RetriableAPIError, SyncError

__all__ = [
    "AuthenticationError",
    "FatalSyncError",
    "QueryRejectedError",
    "QueryTextError",
    "ServiceError",
    "ThrottledError",
    "WindowTooLargeError",
]


class AuthenticationError(FatalAPIError):
    """No token, or a token without the permission that the call needs."""


class QueryRejectedError(FatalAPIError):
    """The service will not run this KQL, however often it is asked."""


class ThrottledError(RetriableAPIError):
    """A quota of the tenant is spent.

    `retry_after` is the wait in seconds that the service asked for, `None` if it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServiceError(RetriableAPIError):
    """The service failed, or the connection broke before the answer was whole."""


class WindowTooLargeError(SyncError):
    """The service cannot answer for a window this wide; a narrower one may work."""


class QueryTextError(ValueError):
    """A query text that is no KQL the tap can bound. `line` and `column` count from 1."""

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
