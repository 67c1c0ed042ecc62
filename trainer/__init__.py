"""Training: photos and rendered walls in, model bundles out."""
