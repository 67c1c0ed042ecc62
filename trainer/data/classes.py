"""The mapping from a data set's class names to prompt families and their phrasings (`classes.yaml`)."""

from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.domain.prompts import slug
from wallscan.models.manifest import plain_phrase

DEFAULT = Path(__file__).with_name("classes.yaml")

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Words = Annotated[tuple[Word, ...], Field(min_length=1)]


class FamilyWords(BaseModel):
    """One family: patterns over class names, phrasings to train with, and those of them to evaluate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: Words
    phrases: Words
    evaluated: Words

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if strange := [phrase for phrase in self.evaluated if phrase not in self.phrases]:
            raise ValueError(f"evaluated, but not among the phrases: {', '.join(strange)}")
        return self


class Classes(BaseModel):
    """All families, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    families: Annotated[Mapping[Word, FamilyWords], Field(min_length=1)]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        # A bundle's manifest finds the family of a prompt by its phrases.
        counts = Counter(plain_phrase(one) for words in self.families.values() for one in words.phrases)
        if repeated := [phrase for phrase, count in counts.items() if count > 1]:
            raise ValueError(f"phrases given twice (case and white space aside): {', '.join(repeated)}")
        # Gates are fitted, and epochs chosen, by asking for a family by its name.
        for family, words in self.families.items():
            if family not in words.phrases:
                raise ValueError(f"{family!r} is not among its own phrases")
        return self

    def phrases(self) -> dict[str, tuple[str, ...]]:
        """The phrasings to train with, by family."""
        return {family: words.phrases for family, words in self.families.items()}

    def evaluated(self) -> dict[str, tuple[str, ...]]:
        """The phrasings to evaluate, by family; the first one of each gives all other numbers."""
        return {family: words.evaluated for family, words in self.families.items()}

    def in_words(self, phrases: Mapping[str, tuple[str, ...]]) -> "Classes":
        """The same patterns for these families alone, which are asked for in these phrasings."""
        families = {
            name: FamilyWords(classes=self.families[name].classes, phrases=own, evaluated=own[:1])
            for name, own in phrases.items()
        }
        return Classes(families=families)

    def family(self, class_name: str) -> str | None:
        """The first family whose patterns fit a data set's class name, or that has it as a phrasing."""
        lowered, file_name = class_name.lower(), slug(class_name)
        for family, words in self.families.items():
            if any(fnmatchcase(lowered, pattern.lower()) for pattern in words.classes):
                return family
            if file_name in map(slug, words.phrases):
                return family
        return None


def read_classes(path: Path) -> Classes:
    """The mapping in a YAML file. Raises TrainingError `classes_invalid` with the place of the fault."""
    try:
        return Classes.model_validate(yaml.safe_load(path.read_bytes()))
    except (OSError, yaml.YAMLError, RecursionError) as error:
        raise TrainingError(Code.CLASSES_INVALID, f"{path.name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise TrainingError(Code.CLASSES_INVALID, f"{path.name}: {place}: {first['msg']}") from error


@cache
def default_classes() -> Classes:
    """The mapping that is shipped."""
    return read_classes(DEFAULT)
