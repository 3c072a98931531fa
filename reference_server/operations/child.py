"""Becomes another program that does not outlive whoever started it: `python -m reference_server.operations.child PROGRAM ...`."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

PARENT: Final = "RAILWAY_SAAS_SUPERVISOR"
"""Process id of whoever starts it."""
_PR_SET_PDEATHSIG: Final = 1
"""Source: prctl(2). It survives exec."""


def main(arguments: list[str]) -> None:
    """Ask the kernel for SIGTERM when the parent dies, also of SIGKILL; then become the program. Linux only, else just the latter."""
    parent = int(os.environ.get(PARENT, "0"))
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if parent and os.getppid() != parent:
            sys.exit(f"process {parent} has ended")  # before the kernel was asked
    os.execv(arguments[0], arguments)  # noqa: S606 - the arguments are our own


if __name__ == "__main__":
    main(sys.argv[1:])
