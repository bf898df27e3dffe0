"""No test of the core fails for being slow: a busy machine is no bug."""

from hypothesis import settings

settings.register_profile("core", deadline=None)
settings.load_profile("core")
