"""What can be wrong with a query, in the service's words.

    KqlError
      KqlSyntaxError        the service would refuse the text
      KqlSemanticError      the service would refuse what the text asks for
      KqlUnsupportedError   the service would answer; this emulator cannot

Pure.
"""


class KqlError(Exception):
    """A query without an answer."""


class KqlSyntaxError(KqlError):
    """The text is no KQL; the message is the engine's, without its advice.

    `line` and `column` count from 1, where they are known.
    """

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class KqlSemanticError(KqlSyntaxError):
    """The text is KQL, but names something that is not there or does not fit."""


class KqlUnsupportedError(KqlError):
    """The emulator's own limit. The service may well run this query."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The emulator cannot run this query, though the service may: {reason}")
