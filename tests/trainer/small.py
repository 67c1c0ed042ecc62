"""A recipe that trains in seconds."""

from trainer.recipe import Recipe, Stage


def small_recipe(steps: int = 6, **changes: object) -> Recipe:
    plain = {
        "stages": (Stage(steps=steps, size=32, batch=2, zoom=(0.5, 1.0)),),
        "image_size": 48, "patch_size": 8, "width": 32, "heads": 2, "layers": 2, "extract_layers": (0, 1),
        "warmup_steps": 2, "checkpoint_every": 2, "bf16": False, "held_out_share": 0.3,
    }  # fmt: skip
    return Recipe.model_validate(plain | changes)
