"""How good a model is: overlaps with the truth, what wrong prompts do, and intervals round it all."""
