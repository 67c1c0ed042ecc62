import pytest

from trainer.data import default_classes, read_classes
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError

YAML = """
families:
  crack:
    classes: ["*crack*", "riss"]
    phrases: [crack, "crack in wall", fissure]
    evaluated: [crack, fissure]
  drywall joint:
    classes: ["*join[ts]*"]
    phrases: [drywall joint]
    evaluated: [drywall joint]
"""


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("NewCracks - v2 2024-05-18 10-54pm", "crack"),
        ("RISS", "crack"),
        ("riss 2", None),
        ("Crack in  wall", "crack"),
        ("fissure", "crack"),
        ("joint", "drywall joint"),
        ("drywall-joint", "drywall joint"),
        ("", None),
        ("[", None),
    ],
)
def test_a_class_is_a_familys_by_pattern_or_by_phrasing(tmp_path, name, family):
    (tmp_path / "classes.yaml").write_text(YAML)
    assert read_classes(tmp_path / "classes.yaml").family(name) == family


def test_the_shipped_mapping_asks_sixteen_phrasings_each_familys_name_first():
    classes = default_classes()
    assert [len(phrases) for phrases in classes.evaluated().values()] == [8, 8]
    for family, phrases in classes.evaluated().items():
        assert phrases[0] == family
        assert {classes.family(phrase) for phrase in classes.phrases()[family]} == {family}


def test_other_words_leave_the_patterns_alone(tmp_path):
    (tmp_path / "classes.yaml").write_text(YAML)
    words = {"crack": ("crack", "Riss in der Wand")}
    classes = read_classes(tmp_path / "classes.yaml").in_words(words)
    assert classes.phrases() == words
    assert classes.family("NewCracks") == classes.family("Riss in der Wand") == "crack"
    assert (classes.family("fissure"), classes.family("joint")) == (None, None)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("families: [", "classes.yaml"),
        ("", "the file"),
        ("families: {}", "families"),
        (YAML.replace("[crack, fissure]", "[]"), "families.crack.evaluated"),
        (YAML.replace("[crack, fissure]", "[teapot]"), "not among the phrases: teapot"),
        (YAML.replace('"crack in wall"', "crack"), r"given twice \(.*\): crack"),
        (YAML.replace('"crack in wall"', '"  CRACK"'), r"given twice \(.*\): crack"),
        (YAML.replace("phrases: [drywall", "phrases: [Fissure, drywall"), r"given twice \(.*\): fissure"),
        (YAML.replace("classes: [", "klasses: ["), "families.crack.classes"),
        ("!!python/object/apply:os.getcwd []", "classes.yaml"),
        ("[" * 5000, "classes.yaml"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_with_the_place(tmp_path, text, place):
    (tmp_path / "classes.yaml").write_text(text)
    with pytest.raises(TrainingError, match=place) as refusal:
        read_classes(tmp_path / "classes.yaml")
    assert refusal.value.code == Code.CLASSES_INVALID


def test_a_mapping_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TrainingError, match=r"none\.yaml"):
        read_classes(tmp_path / "none.yaml")
