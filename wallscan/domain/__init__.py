"""The nouns and rules of wall inspection, in pure standard library."""
