"""The one error of this package.

LoadError    the load cannot go on without losing something; nothing after the last STATE is kept
"""


class LoadError(Exception):
    """A load that stops: the text says where and what to do, and shows no value of a row."""
