"""The lock that upgraders take, one at a time, until their transaction ends."""

ADVISORY_LOCK = 0x77616C6C  # "wall" in ASCII: PostgreSQL's advisory locks are named by a number
