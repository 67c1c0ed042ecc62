import io

import cv2
import numpy as np

from tests.photos.pictures import encode, wall
from wallscan.photos.decode import decode
from wallscan.photos.hashing import perceptual_hash, sha256_hex


def shadows(seed):
    """(480, 640, 3) soft random patches of light."""
    patches = np.random.default_rng(seed).integers(0, 255, (9, 9, 3), np.uint8)
    return cv2.resize(patches, (640, 480)).astype(int)


def hamming_distance(one, other):
    """Bits in which two perceptual hashes differ, 0 to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_sha256_of_a_known_text():
    assert (
        sha256_hex(io.BytesIO(b"abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_nearly_alike_pictures_nearly_share_their_hash():
    photo = np.clip(wall(640, 480, seed=1).astype(int) - shadows(0) // 4, 0, 255).astype(np.uint8)
    original = perceptual_hash(photo)
    resaved = decode(encode(cv2.resize(photo, (320, 240)).astype(np.uint8), quality=60)).pixels
    brighter = np.clip(photo.astype(int) + 15, 0, 255).astype(np.uint8)
    assert len(original) == 16
    assert hamming_distance(original, perceptual_hash(resaved)) <= 6
    assert hamming_distance(original, perceptual_hash(brighter)) <= 6


def test_different_pictures_have_different_hashes():
    hashes = [perceptual_hash(shadows(seed).astype(np.uint8)) for seed in range(6)]
    distances = [hamming_distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(distances) > 12
