"""The printed marker: drawing it to scale, and finding it in a photo.

ArUco markers: Garrido-Jurado et al., "Automatic generation and detection of highly reliable fiducial
markers under occlusion", 2014. A marker that is partly hidden is not found.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from wallscan.domain.review import ReviewReason
from wallscan.domain.scale import ScaleSource
from wallscan.measure.scale import Plane

DICTIONARY = cv2.aruco.DICT_5X5_50
"""OpenCV's predefined dictionary of 50 markers of 5 x 5 bits."""
CELLS = 7  # five bits and the black rim
AGREEMENT = 0.05
"""Two markers in one photo must give the same size of each other within this share."""
SIDE_ERROR_PX = 0.6
"""And within so many pixels of the side of the one that is checked: corners are found about 0.15 pixels too
far inside each, which makes a side 0.3 pixels short, and as much again for noise."""
MIN_SIDE_PX = 48.0
"""A smaller marker gives no plane: its corners' error makes 0.6 % here, and could not be trusted far from it.
It still tells where another, larger one is not what it is said to be."""

Grey = NDArray[np.uint8]
_Corners = NDArray[np.float64]


def draw_marker(number: int, side_px: int) -> Grey:
    """A marker's black square, (side_px, side_px) uint8 0 or 255; `number` is 0 to 49."""
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    return np.asarray(cv2.aruco.generateImageMarker(dictionary, number, side_px), np.uint8)


def find_plane(grey: Grey, side_mm: float, scale: float = 1.0) -> Plane | ReviewReason:
    """The wall's plane from the markers in a grey photo (h, w); or the reason why there is none.

    All markers are taken to be `side_mm` wide. The largest one counts; every other, however small, must fit
    it. `scale` is the size of the whole photo over that of `grey`: the plane is that of the whole photo's
    pixels.
    """
    found = sorted(_markers(grey), key=_size_px, reverse=True)
    if not found or _size_px(found[0]) < MIN_SIDE_PX:
        return ReviewReason.MARKER_NOT_FOUND
    largest = found[0]
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float64) * side_mm
    # From the middle of a pixel of the small picture to that of the large one.
    corners = (largest + 0.5) * scale - 0.5
    homography = cv2.getPerspectiveTransform(corners.astype(np.float32), square.astype(np.float32))
    x_px, y_px = corners.mean(axis=0).tolist()
    plane = Plane(np.asarray(homography, np.float64), ScaleSource.MARKER, (x_px, y_px))
    if all(_fits(plane, other, side_mm, scale) for other in found[1:]):
        return plane
    return ReviewReason.MARKERS_DISAGREE


def _markers(grey: Grey) -> list[_Corners]:
    """The corners (4, 2), x and y, of all markers, clockwise from their own first."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    parameters.adaptiveThreshWinSizeMax = 53  # wider than the default: large markers, uneven light
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    corners, _, _ = cv2.aruco.ArucoDetector(dictionary, parameters).detectMarkers(grey)
    return [np.asarray(one, np.float64).reshape(4, 2) for one in corners]


def _size_px(corners: _Corners) -> float:
    """The root of the area that the corners (4, 2) enclose."""
    return math.sqrt(cv2.contourArea(corners.astype(np.float32)))


def _fits(plane: Plane, corners: _Corners, side_mm: float, scale: float) -> bool:
    """Whether the marker with these corners (4, 2) is as large as the plane says that it should be.

    Also farther off than the plane is trusted with a crack: to be seen so much smaller contradicts nothing.
    """
    corners_px = (corners + 0.5) * scale - 0.5
    if not plane.reaches(corners_px):
        return False
    sides_mm = np.hypot(*np.diff(plane.to_mm(np.concatenate((corners_px, corners_px[:1]))), axis=0).T)
    allowed = AGREEMENT + SIDE_ERROR_PX / _size_px(corners)
    return abs(float(sides_mm.mean()) / side_mm - 1.0) <= allowed
