"""What visitors do, by name: the operations that are measured, and the mix of a working day."""

from __future__ import annotations

OPERATIONS = {
    "read": "read one instance",
    "list": "list 20 instances",
    "status": "status of all instances",
    "catalogue": "list the catalogue",
    "login": "log in",
    "deploy": "accept a deploy",
}
"""By the name under which `load` plays them."""

READS = ("read", "list", "status", "catalogue")

MIX = {"read": 60, "list": 14, "status": 12, "catalogue": 10, "deploy": 3, "login": 1}
"""Out of a hundred requests. A log-in takes a quarter of a second of processor time, and is rare with everybody."""
