"""Routes, one file a noun. A route opens its transactions itself: what it answers is committed."""
