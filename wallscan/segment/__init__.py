"""Pixels and prompts in, probabilities out. torch lives here and in the trainer only."""
