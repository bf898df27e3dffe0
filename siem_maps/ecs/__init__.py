"""The main hunting tables as events of the Elastic Common Schema.

Pure.
"""

from typing import Final

from siem_maps.ecs import alerts, devices, services
from siem_maps.ecs.parts import VERSION

__all__ = ["MAPS", "VERSION"]

MAPS: Final = (*devices.MAPS, *services.MAPS, *alerts.MAPS)
