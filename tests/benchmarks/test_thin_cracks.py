from pathlib import Path

import numpy as np
import pytest

from benchmarks import thin_cracks
from tests.trainer.data import NAMES, document, object_xml, write_photo


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(thin_cracks, "LONG_SIDES_PX", (400,))


def test_every_other_photo_has_cracks_and_the_truth_says_where():
    cracked, clean = thin_cracks.thin_photos(2, seed=3)
    assert cracked.truth.shape == clean.truth.shape == (300, 400)
    assert cracked.truth.any()
    assert not clean.truth.any()
    assert (cracked.joints, cracked.place) == (None, "")


def test_the_joints_of_a_real_wall_are_known_where_it_is_annotated(tmp_path, monkeypatch):
    """Also where the folder is named relative to this one."""
    across = object_xml(NAMES["drywall joint"], box=(0, 0, 64, 64))
    write_photo(tmp_path / "walls", "all joint", document(across))
    monkeypatch.chdir(tmp_path)
    (photo,) = thin_cracks.thin_photos(1, seed=3, walls=Path("walls"))
    assert photo.joints is not None
    assert photo.joints.shape == photo.truth.shape
    assert photo.joints.mean() > 0.95
    assert photo.place


def test_of_a_wall_that_nobody_annotated_no_joints_are_known(tmp_path):
    write_photo(tmp_path, "bare", document(""))
    (tmp_path / "bare.xml").unlink()
    (photo,) = thin_cracks.thin_photos(1, seed=3, walls=tmp_path)
    assert photo.joints is None
    assert photo.place == "bare.jpg"
    assert np.any(photo.truth)
