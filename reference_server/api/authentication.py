"""Who asks: found before a request is validated, and put into the scope that the database knows."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, cast
from uuid import uuid4

from flask import current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from railway_saas.errors import RepositoryError
from reference_server.api.problems import Problem, forbidden, unauthenticated
from reference_server.security.origin import Origin, coming_from
from reference_server.security.scope import AUTH, NOBODY, Scope, scoped
from reference_server.security.tokens import AccessClaims, InvalidTokenError, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from flask import Flask, Response

    from reference_server.composition import Platform
    from reference_server.data.accounts import Principal
    from reference_server.data.database import ServerUnitOfWork

log = logging.getLogger("reference_server.api")

API_KEY_PREFIX: Final = "rsk"
_ACCESS: Final = "_reference_server_access"
_READS: Final = "_reference_server_reads"
_MAX_REQUEST_ID: Final = 128


def platform() -> Platform:
    """That of this process."""
    return cast("Platform", current_app.extensions["platform"])


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that nobody has to log in for."""
    setattr(view, _ACCESS, "public")
    return view


def own_credentials(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that reads the Authorization header itself, if at all: nobody is looked up for it."""
    setattr(view, _ACCESS, "own")
    return view


def admins_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view for administrators."""
    setattr(view, _ACCESS, "admin")
    return view


def reads(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view that does nothing but read, with `reading`: in the transaction in which whoever asks was found.

    A view of this kind opens no other transaction: on SQLite it would wait for its own.
    """
    setattr(view, _READS, True)
    return view


def needs(scope: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A view that an API key must have a scope for, e.g. `instances:write`. Sessions may do all that their user may."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        setattr(view, "_reference_server_key_scope", scope)  # noqa: B010
        return view

    return mark


def principal() -> Principal:
    """Who asks.

    Raises:
        Problem: Nobody is logged in.
    """
    found: Principal | None = g.get("principal")
    if found is None:
        raise unauthenticated()
    return found


@contextmanager
def reading() -> Generator[ServerUnitOfWork]:
    """The transaction in which whoever asks was found, for a view that `reads`; a new one where there is none."""
    begun: ServerUnitOfWork | None = g.pop("reading", None)
    if begun is not None:
        yield begun
        return
    with platform().database.unit_of_work() as work:
        yield work


def register(app: Flask) -> None:
    """Know who asks before anything else is done. Whoever may not ask is refused later, by `guard`."""
    app.before_request(_enter)
    app.after_request(_give_request_id)
    app.teardown_request(_leave)


def guard(app: Flask) -> None:
    """Refuse who may not ask: after requests are counted, so that guessing tokens is counted as well."""
    app.before_request(_refuse)


def _refuse() -> None:
    if g.refusal is not None:
        raise g.refusal
    _refuse_who_may_not(g.principal)


def _enter() -> None:
    g.request_id = _request_id()
    g.contexts = stack = ExitStack()
    stack.enter_context(
        coming_from(
            Origin(
                request_id=g.request_id,
                address=request.remote_addr,
                user_agent=(request.user_agent.string or None) and request.user_agent.string[:255],
            )
        )
    )
    g.principal, g.refusal = None, None
    try:
        g.principal = _find_principal(stack)
    except Problem as problem:
        g.refusal = problem
    stack.enter_context(scoped(_scope_of(g.principal)))


def _request_id() -> str:
    """The caller's, where it is harmless; else a new one."""
    given = request.headers.get("X-Request-ID", "")
    is_harmless = (
        0 < len(given) <= _MAX_REQUEST_ID
        and given.isascii()
        and given.replace("-", "").replace("_", "").isalnum()
    )
    return given if is_harmless else str(uuid4())


def _find_principal(stack: ExitStack) -> Principal | None:
    authorization = request.headers.get("Authorization", "")
    if not authorization or _mark(_ACCESS) == "own":
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthenticated("The Authorization header must be `Bearer` and a token.")
    if _mark(_READS) and not _is_api_key(token.strip()):
        found = _begin_reading(platform(), token.strip(), stack)
    else:
        found = find_principal(platform(), authorization)
    if found is None:
        raise unauthenticated()
    return found


def find_principal(of: Platform, authorization: str) -> Principal | None:
    """Who stands behind an Authorization header now; also asked again while a stream goes on."""
    token = authorization.partition(" ")[2].strip()
    return _by_api_key(of, token) if _is_api_key(token) else _by_access_token(of, token)


def _is_api_key(token: str) -> bool:
    return token.startswith(API_KEY_PREFIX + "_")


def _claims_of(of: Platform, token: str) -> AccessClaims | None:
    try:
        return of.access_tokens.read(token)
    except InvalidTokenError:
        return None


def _begin_reading(of: Platform, token: str, stack: ExitStack) -> Principal | None:
    """Begin the request's only transaction, and look who asks in it."""
    claims = _claims_of(of, token)
    if claims is None:
        return None
    # The token is signed: its user may see their own session, and from then on their own rows.
    stack.enter_context(scoped(Scope.of_user(claims.user_id)))
    work = stack.enter_context(of.database.unit_of_work())
    found = work.sessions.principal(claims.session_id, claims.user_id, now=of.now())
    if found is not None:
        work.enter_scope(_scope_of(found))
        g.reading = work
    return found


def _by_access_token(of: Platform, token: str) -> Principal | None:
    claims = _claims_of(of, token)
    if claims is None:
        return None
    with scoped(AUTH), of.database.unit_of_work() as work:
        return work.sessions.principal(claims.session_id, claims.user_id, now=of.now())


def _by_api_key(of: Platform, token: str) -> Principal | None:
    with scoped(AUTH), of.database.unit_of_work() as work:
        found = work.api_keys.principal(digest(token), now=of.now())
        if found and found.api_key_id and work.api_keys.note_use(found.api_key_id, now=of.now()):
            work.commit()
    return found


def _refuse_who_may_not(found: Principal | None) -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.method == "OPTIONS":
        return  # there is no such path, or only its methods are asked for: the router says so
    access = _mark(_ACCESS)
    if access in {"public", "own"} or request.endpoint in current_app.config["PUBLIC_ENDPOINTS"]:
        return
    if found is None:
        raise unauthenticated()
    if access == "admin" and not found.user.is_admin:
        raise forbidden("This is for administrators.")
    scope = getattr(view, "_reference_server_key_scope", None)
    if found.scopes is not None and (scope is None or scope not in found.scopes):
        raise forbidden(
            f"The API key lacks the scope {scope}." if scope else "This needs a session; API keys may not."
        )


def _mark(name: str) -> str | bool | None:
    """What the view that answers was marked with."""
    found: str | bool | None = getattr(current_app.view_functions.get(request.endpoint or ""), name, None)
    return found


def _scope_of(found: Principal | None) -> Scope:
    return NOBODY if found is None else Scope.of_user(found.user.id, is_admin=found.user.is_admin)


def _give_request_id(response: Response) -> Response:
    if "request_id" in g:
        response.headers["X-Request-ID"] = g.request_id
    return response


def _leave(_: BaseException | None) -> None:
    contexts: ExitStack | None = g.pop("contexts", None)
    if contexts is None:
        return
    try:
        contexts.close()
    except (RepositoryError, SQLAlchemyError) as error:
        # The answer is made, and what a view wrote it has committed: only the end of a transaction that read is lost.
        log.warning("the request's transaction could not be ended: %s", error)
