"""The parts of the instance manager, one per kind of wish."""
