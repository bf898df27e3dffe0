"""What can go wrong in the demo, said so that a newcomer can act on it."""


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""
