"""What is wrong with a platform, and what to do about it: one finding per check."""

from reference_server.operations.doctor.findings import Finding, Grade
from reference_server.operations.doctor.running import CHECKS, examine

__all__ = ["CHECKS", "Finding", "Grade", "examine"]
