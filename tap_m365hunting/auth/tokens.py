"""The client's view of tokens: a source, and the news that a token was refused."""

from typing import Protocol


class TokenSource(Protocol):
    """Source of the client's bearer tokens; safe for several threads.

    A single thread signs in, the others wait.
    """

    def token(self) -> str:
        """Return a token good for now.

        Raises:
            AuthenticationError: Entra ID refused; the message says why and names the remedy.
            SignInError: Entra ID did not answer.
        """

    def forget(self, refused: str) -> None:
        """Drop a token refused by the service; another may have taken its place by now."""
