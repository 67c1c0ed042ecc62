"""Why a person should look at a result before relying on it."""

from enum import StrEnum


class ReviewReason(StrEnum):
    """A stable word. Values are part of the public contract and never change meaning."""

    NEAR_GATE = "near_gate"  # whether the thing is there at all was a close call
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TOO_FAR = "too_far"  # by the scale, a pixel is larger than the cracks that matter
    RESOLUTION_LIMIT = "resolution_limit"  # in millimetres, but too few pixels wide to tell how many
    TOO_COMPLEX = "too_complex"  # more parts than any crack pattern has: lengths and widths are left out
    MARKER_NOT_FOUND = "marker_not_found"  # no millimetres: the photo shows no marker
    MARKERS_DISAGREE = "markers_disagree"  # no millimetres: two markers give different scales
    MARKER_TOO_OBLIQUE = "marker_too_oblique"  # no millimetres: the scale changes too much over the photo
