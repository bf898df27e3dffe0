"""The client's view of tokens: a source, and the news that a token was refused."""

from typing import Protocol


class TokenSource(Protocol):
    """Where the client gets its bearer tokens; safe to ask from several threads.

    One thread signs in, the others wait for it.
    """

    def token(self) -> str:
        """Return a token that is good now.

        Raises:
            AuthenticationError: Entra ID refused; the message says why and what to do.
            SignInError: Entra ID did not answer.
        """

    def forget(self, refused: str) -> None:
        """Drop this token, which the service refused; another may have taken its place by now."""
