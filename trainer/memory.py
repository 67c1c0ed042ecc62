"""The C library's memory, as a training wants it."""

import ctypes
import platform
from functools import cache

# From malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_MOST = 2**31 - 1
_STEP = 1 << 28


@cache
def keep_freed_memory() -> None:
    """Let glibc keep what is freed instead of handing it back to the kernel.

    A step frees and takes the same large blocks again and again, and the kernel zeroes each anew: a sixth of
    a step of `cached` went there. Elsewhere than on glibc nothing is changed.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    for setting, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _MOST), (_M_TOP_PAD, _STEP)):
        libc.mallopt(setting, value)
