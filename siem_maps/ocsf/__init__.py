"""The main hunting tables as events of the Open Cybersecurity Schema Framework.

Pure.
"""

from typing import Final

from siem_maps.ocsf import alerts, devices, services
from siem_maps.ocsf.parts import VERSION

__all__ = ["MAPS", "VERSION"]

MAPS: Final = (*devices.MAPS, *services.MAPS, *alerts.MAPS)
