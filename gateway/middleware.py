"""What surrounds every handler: the trace, the one error boundary, the headers of all answers."""

import time
from collections.abc import Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from typing_extensions import override

from gateway.problems import CONTENT_TYPE, Problem
from gateway.tracing import trace_context, trace_of
from telemetry.lines import EventLines

_FINISHED = EventLines("gateway", "request.finished")
_log: structlog.stdlib.BoundLogger = structlog.get_logger("gateway")

Translator = Callable[[Exception], Problem | None]


def install(app: web.Application, *, translate: Translator = lambda _: None) -> None:
    """Puts the trace, the error boundary and the common headers around all routes of `app`.

    Args:
        app: an application that has not started.
        translate: what an error of a lower layer is to a client; None says that it is a bug.
    """
    app.middlewares.extend([_bind_trace, _error_boundary(translate)])
    app.on_response_prepare.append(_finish_headers)


@web.middleware
async def _bind_trace(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Not `bound_contextvars`: that copies all context variables there are, for each request.
    tokens = structlog.contextvars.bind_contextvars(trace_id=trace_of(request).trace_id)
    try:
        since = time.perf_counter()
        response = await handler(request)
        if _FINISHED.is_written:
            _FINISHED.write(
                method=request.method,
                route=_route_of(request),
                status=response.status,
                ms=round((time.perf_counter() - since) * 1000, 1),
                trace_id=trace_of(request).trace_id,
            )
        return response
    finally:
        structlog.contextvars.reset_contextvars(**tokens)


def _error_boundary(translate: Translator) -> Middleware:
    @web.middleware
    async def boundary(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return problem_response(request, problem)
        except web.HTTPException as refusal:
            if refusal.status < 400:
                raise
            return problem_response(request, _of_aiohttp(refusal))
        except Exception as error:
            if request.writer.output_size > 0:
                # A part of the answer is sent: only the end of the connection can tell it now.
                raise
            return problem_response(request, translate(error) or _of_bug(request, error))

    return boundary


def problem_response(request: web.BaseRequest, problem: Problem) -> web.Response:
    """The answer that tells this problem."""
    return web.Response(
        status=problem.status,
        body=problem.to_json(trace_of(request).trace_id),
        content_type=CONTENT_TYPE,
        headers=problem.headers,
    )


class _Unread(web.Response):
    """An answer that no signal reaches: aiohttp would name itself, Python and their versions."""

    @override
    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall("Server", None)


def unread_response(problem: Problem) -> web.Response:
    """The answer to what is no request of this application: it has every header by itself."""
    trace_id = trace_context(()).trace_id
    response = _Unread(
        status=problem.status,
        body=problem.to_json(trace_id),
        content_type=CONTENT_TYPE,
        headers=problem.headers,
    )
    _set_headers(response, trace_id)
    _log.info("request.unread", trace_id=trace_id, status=problem.status, code=problem.code)
    return response


def _of_aiohttp(refusal: web.HTTPException) -> Problem:
    allow = refusal.headers.get("Allow")
    return Problem.of_status(refusal.status, {"Allow": allow} if allow is not None else None)


def _of_bug(request: web.Request, error: Exception) -> Problem:
    _log.error("request.failed", method=request.method, route=_route_of(request), exc_info=error)
    return Problem("internal_error")


def _route_of(request: web.Request) -> str | None:
    """The route's pattern, not the path: a path may hold what must not be in a log."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else None


async def _finish_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    # As a signal and not in a middleware: it also reaches answers that stream, and those that
    # aiohttp gives before any middleware runs.
    _set_headers(response, trace_of(request).trace_id)


def _set_headers(response: web.StreamResponse, trace_id: str) -> None:
    headers = response.headers
    headers["X-Trace-Id"] = trace_id
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Cache-Control", "no-store")
    headers.popall("Server", None)
