"""What the client knows of tokens: where they come from, and that one may be refused."""

from typing import Protocol


class TokenSource(Protocol):
    """Where the client gets its bearer tokens."""

    def token(self) -> str:
        """Return a token that is good now.

        Raises:
            AuthenticationError: Entra ID refused; the message says why and what to do.
            SignInError: Entra ID did not answer.
        """

    def forget(self) -> None:
        """Drop what is cached: the service refused it."""
