"""The model as the loop sees it: images and prompts in, logits out, gradients where the recipe wants them.

transformers' own `CLIPSegForImageSegmentation.forward` runs the encoder without gradients whatever is asked
of it, and once a prompt. Here its parts are called one by one: the encoder once an image, up to the last
layer that the decoder reads.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import CLIPSegForImageSegmentation, CLIPTokenizer

from trainer.attention import keep_probabilities
from trainer.likeness import Likeness
from trainer.lora import add_lora
from trainer.model import build, decode, embed, encode, free_all
from trainer.patches import draw_by_patches
from trainer.recipe import Recipe
from wallscan.domain.codes import Code
from wallscan.domain.errors import TrainingError
from wallscan.models.delta import whole_folder
from wallscan.models.starter import starter_bundle
from wallscan.segment.bundle import load_model
from wallscan.segment.preprocess import InputSpec

MAX_CACHED_PROMPTS = 8192


class Network(nn.Module):
    """A CLIPSeg with its tokenizer and input, and what compares its layers with a teacher's.

    The parameters that learn have gradients. With `words_first` the text tower learns by itself
    (`trainer.words`), and then no more.
    """

    def __init__(
        self,
        clipseg: CLIPSegForImageSegmentation,
        tokenizer: CLIPTokenizer,
        spec: InputSpec,
        likeness: Likeness | None = None,
        *,
        words_first: bool = False,
    ) -> None:
        super().__init__()
        keep_probabilities(clipseg)
        draw_by_patches(clipseg)
        self.clipseg = clipseg
        self.likeness = likeness
        self.words_first = words_first
        if words_first:
            clipseg.clip.text_model.requires_grad_(False)
            clipseg.clip.text_projection.requires_grad_(False)
        self.tokenizer = tokenizer
        self.spec = spec
        self._encoder_learns = _learns(clipseg.clip.vision_model)
        self._words_learn = _learns(clipseg.clip.text_model)
        self._texts: dict[str, Tensor] = {}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def forward(
        self,
        images: Tensor,
        prompts: Sequence[Sequence[str]],
        corner: tuple[float, float] = (0.0, 0.0),
        seen: Sequence[Tensor] = (),
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (B, P, s, s) of B rows of P prompts; with what a teacher has `seen`, also what it
        costs to be so far off it, a scalar.

        images: (B, s, s, 3) uint8 RGB, or the stacked hidden states (layers, B, 1 + tokens, width) that
        `encode` gave for them; corner: where in the position grid a frame smaller than the model's lies, as
        shares of the room there is.
        """
        pixels = images.dtype == torch.uint8
        states = self.encode(images, corner) if pixels else images.float().unbind()
        logits = decode(self.clipseg, states, self._embed(prompts))
        return (logits, self.likeness(states, seen)) if self.likeness is not None and seen else logits

    def changed_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Names and parameters that learn or, as a fresh model's words, have learnt before all others."""
        words = {id(parameter) for parameter in self.word_parameters()} if self.words_first else set[int]()
        for name, parameter in self.named_parameters():
            if parameter.requires_grad or id(parameter) in words:
                yield name, parameter

    def word_parameters(self) -> list[nn.Parameter]:
        """The text tower's, but for the token vectors: those of a compact model stay as they were drawn."""
        clip = self.clipseg.clip
        tower = (*clip.text_model.named_parameters(), *clip.text_projection.named_parameters())
        return [parameter for name, parameter in tower if "token_embedding" not in name]

    def encode(self, images: Tensor, corner: tuple[float, float]) -> tuple[Tensor, ...]:
        """Hidden states (B, 1 + tokens, width) after each extracted layer; without gradients if frozen."""
        vision = self.clipseg.config.vision_config
        room = max(0, (vision.image_size - images.shape[1]) // vision.patch_size)
        row, column = (int(share * (room + 1)) for share in corner)
        with torch.set_grad_enabled(self._encoder_learns and torch.is_grad_enabled()):
            return encode(self.clipseg, self.normalised(images), (row, column))

    def normalised(self, images: Tensor) -> Tensor:
        """Pixels (B, 3, s, s) of images (B, s, s, 3), on their device.

        As `wallscan.segment.preprocess.normalised`.
        """
        mean, std = (
            torch.tensor(values, device=images.device) * 255 for values in (self.spec.mean, self.spec.std)
        )
        return ((images - mean) / std).movedim(-1, -3).contiguous()

    def _embed(self, prompts: Sequence[Sequence[str]]) -> Tensor:
        """Conditional embeddings (B, P, projection); equal prompts are computed once, frozen ones kept."""
        unique = sorted({prompt for row in prompts for prompt in row})
        if self._words_learn:
            known = dict(zip(unique, embed(self.clipseg, self.tokenizer, unique), strict=True))
        else:
            known = self.read(unique)
        return torch.stack([torch.stack([known[prompt] for prompt in row]) for row in prompts])

    def read(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Embeddings (projection,) of prompts by a text tower that does not learn, and of others before."""
        if len(self._texts) > MAX_CACHED_PROMPTS:
            self._texts.clear()
        # One by one and in full precision: an embedding depends on its prompt alone, not on its company.
        with torch.no_grad(), torch.autocast(self.clipseg.device.type, enabled=False):
            for prompt in prompts:
                if prompt not in self._texts:
                    self._texts[prompt] = embed(self.clipseg, self.tokenizer, [prompt])[0]
        return self._texts


def open_network(recipe: Recipe, base: Path | None) -> Network:
    """A network at its first step.

    Raises BundleError `bundle_unloadable` where `base` cannot be used, and TrainingError `recipe_invalid`
    where it cannot take the frames of a `scratch` recipe.
    """
    if base is None:
        spec = InputSpec(recipe.image_size, recipe.image_mean, recipe.image_std)
        tokenizer = CLIPTokenizer.from_pretrained(starter_bundle())
        clipseg = _unused_frozen(build(recipe))
        words_first = recipe.word_steps > 0
        return Network(clipseg, tokenizer, spec, _likeness(recipe, clipseg), words_first=words_first)
    clipseg, spec = load_model(base), InputSpec.read(base)
    _require_patches(recipe, clipseg.config.vision_config.patch_size, spec.side)
    torch.manual_seed(recipe.seed)
    clipseg.decoder.requires_grad_(True)
    if recipe.kind == "scratch":
        free_all(clipseg)
    elif recipe.kind == "full" and recipe.lora is not None:
        add_lora(clipseg, recipe.lora.rank, recipe.lora.alpha)
    elif recipe.kind == "full":
        clipseg.clip.vision_model.requires_grad_(True)
    tokenizer = CLIPTokenizer.from_pretrained(whole_folder(base))
    return Network(_unused_frozen(clipseg), tokenizer, spec, _likeness(recipe, clipseg))


def _likeness(recipe: Recipe, clipseg: CLIPSegForImageSegmentation) -> Likeness | None:
    if recipe.teacher is None or not recipe.teacher.feature_weight:
        return None
    vision = clipseg.config.vision_config
    layers = len(clipseg.config.extract_layers)
    return Likeness(recipe.teacher, layers, vision.hidden_size, vision.patch_size)


def _require_patches(recipe: Recipe, patch_size: int, side: int) -> None:
    # Frames of other recipes are as large as the base's input.
    if recipe.kind != "scratch":
        return
    sizes = [stage.size for stage in recipe.stages]
    if any(size % patch_size for size in sizes) or side % recipe.patch_size:
        raise TrainingError(
            Code.RECIPE_INVALID,
            f"the base has patches of {patch_size} px: patch_size ({recipe.patch_size}) must say so, and the "
            f"stages' sizes ({', '.join(map(str, sizes))}) be multiples of it",
        )


def _unused_frozen(clipseg: CLIPSegForImageSegmentation) -> CLIPSegForImageSegmentation:
    """What no loss depends on must not wait for gradients when several processes add theirs up."""
    clip = clipseg.clip
    behind = clip.vision_model.encoder.layers[max(clipseg.extract_layers) + 1 :]
    for module in (*behind, clip.vision_model.post_layernorm, clip.visual_projection):
        module.requires_grad_(False)
    clip.logit_scale.requires_grad_(False)
    return clipseg


def _learns(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())
