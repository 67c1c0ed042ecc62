"""Text-prompted segmentation for drywall and wall quality assurance."""

__version__ = "0.1.0"
