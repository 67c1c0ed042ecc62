"""From a probability map to a clean mask at the photo's own size, and to numbers."""

from wallscan.measure.measured import Measured, measured
from wallscan.measure.measurements import Measurements
from wallscan.measure.numbers import Numbers

__all__ = ["Measured", "Measurements", "Numbers", "measured"]
