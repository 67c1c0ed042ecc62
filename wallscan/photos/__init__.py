"""Bytes to upright pixels and back: sniffing, limits, decoding, hashes, archives, masks, overlays."""
