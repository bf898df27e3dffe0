"""Errors of a query, in the service's words.

    KqlError
      KqlSyntaxError        the service would refuse the text
      KqlSemanticError      the service would refuse the meaning of the text
      KqlUnsupportedError   the service would answer; the emulator cannot

Pure.
"""


class KqlError(Exception):
    """A query without an answer."""


class KqlSyntaxError(KqlError):
    """The text is no KQL; the message is the engine's, without its advice.

    `line` and `column` count from 1, where known.
    """

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class KqlSemanticError(KqlSyntaxError):
    """The text is KQL, with a name missing or of the wrong kind."""


class KqlUnsupportedError(KqlError):
    """The emulator's own limit. The service may well run the query."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The emulator cannot run this query, though the service may: {reason}")
