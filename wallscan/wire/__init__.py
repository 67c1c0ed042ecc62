"""The HTTP contract: the bodies that the API answers with and the client reads."""
