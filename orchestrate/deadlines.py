"""The call for a run over a fleet that is not done in time."""

import logging

logger = logging.getLogger(__name__)


def warn(fleet: str, minutes: float) -> None:
    """Say so in the log; called by name, so that a fleet may name a function of its own."""
    logger.error("The run over the fleet %s is not done after %.0f minutes", fleet, minutes)
