"""What an error of the SDK is in HTTP: one table for both example applications, whatever their framework."""

import logging
from typing import Any

from railway_saas import RailwaySaasError, errors

log = logging.getLogger("shop")


def answer_to(error: RailwaySaasError) -> tuple[int, dict[str, Any]]:
    """Status and body. What a customer can do something about is told in full, the rest goes to the log."""
    more: dict[str, Any] = {}
    match error:
        case errors.InstanceNotFoundError():  # somebody else's are not there either
            status = 404
        case errors.LimitExceededError():
            status = 402 if error.next_plan else 403
            more = {"limit": error.limit, "allowed": error.allowed, "used": error.used}
            more["next_plan"] = error.next_plan
        case errors.InstanceStateError():
            status, more = 409, {"current": error.current, "allowed": error.allowed}
        case errors.NameTakenError():
            status, more = 409, {"argument": error.argument}
        case errors.InstanceInputError():
            status, more = 422, {"argument": error.argument}
        case errors.TemplateError():
            status, more = 422, {"problems": [str(problem) for problem in error.problems]}
        case errors.WebhookRefusedError():
            status = error.status_code
        case errors.NeedsAttentionError():
            log.error("an operator has to decide: %s", error)
            return 409, {"error": "NeedsAttentionError", "detail": "we are looking into it"}
        case errors.RailwayError() | errors.RepositoryError():
            log.error("not done: %s", error)
            return 503, {"error": "Unavailable", "detail": "please try again in a moment"}
        case _:
            log.error("a fault of ours", exc_info=error)
            return 500, {"error": "Failed", "detail": "we are looking into it"}
    return status, {"error": type(error).__name__, "detail": str(error), **more}
