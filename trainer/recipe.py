"""The training recipe: every number that shapes the result, recorded in the bundle's manifest."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.segment.preprocess import MAX_SIDE

RECIPES = Path(__file__).parent / "recipes"


Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Amount = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
HEAD_WIDTH = 32
"""Of a compact model's decoder."""
CONVOLUTIONAL_PATCH = 16
"""Transformers upsamples by a quarter of the patch's side, twice."""
Width = Annotated[int, Field(ge=8, multiple_of=8)]
"""Channels, which are normalised in groups of eight."""
Seed = Annotated[int, Field(ge=-(2**63), lt=2**64)]
"""What `torch.manual_seed` takes."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Sources(_Frozen):
    """Relative frequencies of what a training frame shows; `clean` are photos that show no family.

    The order is part of what a seed means: a new source comes last.
    """

    crack: Amount = 0.42
    drywall_joint: Amount = 0.16
    pasted_crack: Amount = 0.08
    pasted_joint: Amount = 0.08
    rendered_crack: Amount = 0.1
    rendered_joint: Amount = 0.1
    rendered_clean: Amount = 0.06
    clean: Amount = 0.1

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError("one of the sources is more than 0")
        return self


class Stage(_Frozen):
    """`steps` steps on square frames of `size` px, cut from a share of a photo's side within `zoom`.

    `peak_weight` is what the worst places of empty maps cost (see `losses`), `furniture_share` how many
    rendered walls carry things that are neither crack nor joint.
    """

    steps: Annotated[int, Field(ge=0)] = 0
    size: Count
    batch: Count
    zoom: tuple[float, float]
    peak_weight: Amount = 0.0
    furniture_share: Share = 0.2
    sources: Sources = Sources()

    @field_validator("zoom")
    @classmethod
    def _shares(cls, zoom: tuple[float, float]) -> tuple[float, float]:
        if not 0 < zoom[0] <= zoom[1] <= 1:
            raise ValueError("the smallest and the largest share of a side, above 0 and up to 1")
        return zoom


class Lora(_Frozen):
    """Low-rank adaptation of the encoder's attention instead of training its own weights."""

    rank: Count = 8
    alpha: Amount = 16.0
    learning_rate: Amount = 1e-4


class Teacher(_Frozen):
    """A U-Net of these `widths`, trained before the model on frames of the same photos (`trainer.teacher`).

    The model then learns from truths that are its maps by `truth_share` and the annotations by the rest, and
    by `feature_weight` to see what the teacher sees on the way (`trainer.likeness`). `stages` say on what the
    teacher learns, and for how long; its loss is BCE + Dice, whatever the model's. By `other_family_share` of
    the frames it is asked for both families, else for one. Without a `muon_learning_rate` AdamW trains all of
    it.
    """

    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    widths: Annotated[tuple[Width, ...], Field(min_length=2)] = (24, 48, 96, 128, 160)
    learning_rate: Amount = 2e-3
    muon_learning_rate: Amount | None = 2e-3
    weight_decay: Amount = 0.01
    warmup_steps: Annotated[int, Field(ge=0)] = 40
    decay_share: Share = 0.4
    average_decay: Share = 0.99
    truth_share: Share = 0.7
    feature_weight: Amount = 0.0
    other_family_share: Share = 1.0

    @model_validator(mode="before")
    @classmethod
    def _of_one_stage(cls, told: object) -> object:
        """Manifests and stored trainings may hold what a teacher was when it had one stage and no Muon."""
        if not isinstance(told, dict) or "stage" not in told:
            return told
        rest = {name: value for name, value in told.items() if name != "stage"}
        return {"muon_learning_rate": None, "other_family_share": 0.55, "stages": [told["stage"]]} | rest

    @property
    def steps(self) -> int:
        """Steps over all stages."""
        return sum(stage.steps for stage in self.stages)


class Recipe(_Frozen):
    """All hyper-parameters of one run. Lengths are in pixels, shares in 0..1, rates at their peak.

    `kind` says what learns. `scratch`: all of a compact model, built from nothing or, with a base, from where
    another run ended. The others start from a base: `full` trains encoder and decoder, `decoder` the decoder
    alone, `cached` the decoder on encoder activations that are computed once, for `variants` frames a photo.

    A frame is cut from where the photo shows its family; but for `anywhere_share`, which with a small `zoom`
    are mostly empty. A step draws `accumulate` batches. With `epochs` the one stage's steps follow from the
    number of photos, and `warmup_steps` are at most a tenth of them; otherwise an epoch is `epoch_steps`
    steps. The run ends when the held-out IoU has not risen for `patience` epochs, and publishes its best
    epoch; without, it publishes its last weights. Without a `muon_learning_rate` AdamW trains all of a
    `scratch` model.

    With a `convolutional_head` a fresh model's decoder ends in a 3 x 3 convolution and two transposed ones
    (transformers' `use_complex_transposed_convolution`, for patches of 16 px) in the place of a single one.
    Muon trains what `muon_on` says: the matrices of the vision layers, or `all` that is multiplied between
    pixels and maps.

    A fresh model's text tower learns what is asked for in `word_steps` steps of its own (`trainer.words`),
    and is frozen then; without any, it learns with all the rest.

    `loss` says what is made small: `bce+dice` is `losses.segmentation_loss`, `bce` the plain mean over all
    maps, in which neither `dice_weight` and `empty_weight` nor a stage's `peak_weight` have a part.
    """

    kind: Literal["scratch", "full", "decoder", "cached"] = "scratch"
    stages: tuple[Stage, ...]
    epochs: Count | None = None
    epoch_steps: Count = 250
    accumulate: Count = 1
    patience: Count | None = None
    encoder_learning_rate: Amount = 1e-6
    layer_decay: Amount = 1.0
    lora: Lora | None = None
    teacher: Teacher | None = None
    word_steps: Annotated[int, Field(ge=0)] = 0
    variants: Count = 4
    schedule: Literal["plateau", "cosine"] = "plateau"
    seed: Seed = 7
    image_size: Annotated[int, Field(ge=1, le=MAX_SIDE)] = 320
    patch_size: Count = 10
    width: Count = 192
    heads: Count = 6
    layers: Count = 6
    extract_layers: Annotated[tuple[int, ...], Field(min_length=1)] = (1, 3, 5)
    decoder_width: Annotated[int, Field(ge=HEAD_WIDTH, multiple_of=HEAD_WIDTH)] = 64
    convolutional_head: bool = False
    learning_rate: Amount = 8e-4
    muon_learning_rate: Amount | None = 2e-3
    muon_on: Literal["vision", "all"] = "vision"
    final_learning_rate_share: Share = 0.02
    warmup_steps: Annotated[int, Field(ge=0)] = 150
    decay_share: Share = 0.35
    weight_decay: Amount = 0.05
    gradient_norm: Positive = 1.0
    average_decay: Share = 0.998
    loss: Literal["bce+dice", "bce"] = "bce+dice"
    dice_weight: Amount = 1.0
    empty_weight: Amount = 0.5
    mosaic_share: Share = 0.08
    turn_share: Share = 0.35
    anywhere_share: Share = 1 / 6
    other_family_share: Share = 0.55
    held_out_share: Share = 0.1
    checkpoint_every: Count = 50
    bf16: bool = True
    image_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    image_std: tuple[Positive, Positive, Positive] = (0.229, 0.224, 0.225)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.epochs is not None and len(self.stages) != 1:
            raise ValueError("a recipe that counts epochs has one stage")
        if self.kind == "cached" and len(self.stages) != 1:
            raise ValueError("a cached recipe has one stage, whose frames are kept")
        if self.epochs is None and not self.steps:
            raise ValueError("a recipe says how long to train: by epochs, or by the steps of its stages")
        if self.kind == "scratch":
            self._built()
        if self.teacher is not None and (self.kind != "scratch" or not self.teacher.steps):
            raise ValueError("a teacher has steps to learn in, and teaches a scratch recipe's model")
        if self.word_steps and self.kind != "scratch":
            raise ValueError("word_steps are of a scratch recipe's fresh model; a base knows its words")
        if self.lora is not None and self.kind != "full":
            raise ValueError("lora adapts the encoder, which only a full recipe trains")
        return self

    def _built(self) -> None:
        """Raises ValueError where no model can be built, or none that takes the frames."""
        if not all(0 <= layer < self.layers for layer in self.extract_layers):
            raise ValueError("extract_layers are layers that the model has")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads ({self.heads})")
        if self.convolutional_head and self.patch_size != CONVOLUTIONAL_PATCH:
            raise ValueError(f"a convolutional_head draws patch_size {CONVOLUTIONAL_PATCH}")
        sides = {"image_size": self.image_size} | {
            f"stages.{number}.size": stage.size for number, stage in enumerate(self.stages)
        }
        for name, side in sides.items():
            if side % self.patch_size:
                raise ValueError(f"{name} {side} is no multiple of patch_size ({self.patch_size})")

    @property
    def steps(self) -> int:
        """Steps over all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> Stage:
        """The stage that step number `step` (from 0) belongs to."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        raise ValueError("past the last step")


def shipped_recipe(name: str) -> Recipe:
    """A recipe that is shipped, by its name. Raises TrainingError `recipe_invalid`."""
    path = RECIPES / f"{name}.json"
    if path not in RECIPES.glob("*.json"):
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.json")))
        raise TrainingError(
            Code.RECIPE_INVALID, f"{name!r} is neither a recipe that is shipped ({known}) nor a JSON document"
        )
    return Recipe.model_validate_json(path.read_bytes())


def invalid_recipe(error: ValidationError) -> TrainingError:
    """The error that says which of a recipe's values is wrong, and why."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "the recipe"
    return TrainingError(Code.RECIPE_INVALID, f"{place}: {first['msg']}")
