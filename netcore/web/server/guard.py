"""Check requests before any route sees them, and limit their bodies."""

import asyncio
import json
import logging
import re
import secrets
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from netcore.web.server.rate_limit import RateLimiter
from netcore.web.server.settings import Limits

COOKIE = "netcore-visitor"
COOKIE_SECONDS = 30 * 86_400
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
logger = logging.getLogger("netcore.server")
_VISITOR = re.compile(r"[0-9a-f]{32}")


class BodyError(Exception):
    """A body is too large or too slow."""


class Guard:
    """ASGI middleware: host, origin, rate, size of the body, visitor's cookie, security headers.

    Parameters
    ----------
    app : ASGI application
    limits : Limits
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.limiter = RateLimiter(limits.requests_per_second, limits.request_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer with what is wrong."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            scope["visitor"] = _visitor(headers) or secrets.token_hex(16)
            if refusal:
                return await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
            return await self.app(scope, receive, send)
        await self._http(scope, headers, refusal, receive, send)

    async def _http(
        self, scope: Scope, headers: Headers, refusal: tuple[int, str] | None, receive: Receive, send: Send
    ) -> None:
        visitor = _visitor(headers)
        scope["visitor"] = visitor or secrets.token_hex(16)
        body = _LimitedBody(receive, self._limit(headers), self.limits.body_seconds)
        answer = _Answer(send, None if visitor else scope["visitor"], scope["scheme"] == "https", body)
        if refusal:
            return await answer.problem(*refusal)
        try:
            await self.app(scope, body, answer)
        except Exception as error:  # a crash of one request leaves the others
            if not isinstance(error, BodyError):
                logger.error("error at %s", scope["path"], exc_info=error)
            if not answer.started:
                await answer.problem(*(body.refusal or (500, "internal error")))

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Return status and text if a request must not be handled."""
        host = headers.get("host", "")
        if _name(host) not in self.limits.hosts:
            return 400, "unknown host: start the server with --allow-host for this name"
        origin = headers.get("origin")
        unsafe = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if unsafe and origin is not None and origin.partition("://")[2] != host:
            return 403, "requests of other sites are refused"
        if not self.limiter.allow(address(scope)):
            return 429, "too many requests: wait a moment"
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return 400, "the length of the body is not a number"
        if scope["type"] == "http" and int(length[:20]) > self._limit(headers):
            return 413, f"the body is larger than {self._limit(headers):,} bytes"
        return None

    def _limit(self, headers: Headers) -> int:
        is_upload = headers.get("content-type", "").startswith("image/")
        return self.limits.max_upload_bytes if is_upload else self.limits.max_message_bytes


class _LimitedBody:
    """Receives a body, counting its bytes and the time that it takes; `refusal` is what was wrong with it."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self.receive, self.limit, self.seconds = receive, limit, seconds
        self.size, self.complete, self.deadline = 0, False, 0.0
        self.refusal: tuple[int, str] | None = None

    async def __call__(self) -> Message:
        if self.complete:
            return await self.receive()
        self.deadline = self.deadline or asyncio.get_running_loop().time() + self.seconds
        try:
            async with asyncio.timeout_at(self.deadline):
                message = await self.receive()
        except TimeoutError:
            self.refusal = 408, f"the body took longer than {self.seconds:g} s"
            raise BodyError from None
        self.size += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)
        if self.size > self.limit:
            self.refusal = 413, f"the body is larger than {self.limit:,} bytes"
            raise BodyError
        return message


class _Answer:
    """Sends an answer with the security headers; one on a refused body is replaced by the refusal."""

    def __init__(self, send: Send, new_visitor: str | None, is_secure: bool, body: _LimitedBody) -> None:
        self.send, self.new_visitor, self.is_secure, self.body = send, new_visitor, is_secure, body
        self.started = self.replaced = False

    async def __call__(self, message: Message) -> None:
        if self.replaced:
            return
        if not self.started and self.body.refusal:
            self.replaced = True
            return await self._send_problem(*self.body.refusal)
        if message["type"] == "http.response.start":
            self.started = True
            _add_headers(MutableHeaders(scope=message), self.new_visitor, self.is_secure)
        await self.send(message)

    async def problem(self, status: int, detail: str) -> None:
        """Send an error."""
        self.replaced = True
        await self._send_problem(status, detail)

    async def _send_problem(self, status: int, detail: str) -> None:
        self.started = True
        lines = [(b"content-type", b"application/json")]
        if status == 429:
            lines.append((b"retry-after", b"1"))
        if status in (408, 413):
            lines.append((b"connection", b"close"))
        start: Message = {"type": "http.response.start", "status": status, "headers": lines}
        _add_headers(MutableHeaders(scope=start), self.new_visitor, self.is_secure)
        await self.send(start)
        await self.send({"type": "http.response.body", "body": json.dumps({"detail": detail}).encode()})


def address(scope: Scope) -> str:
    """Return the address of a visitor, as the server or a proxy that it trusts saw it."""
    return str(scope["client"][0]) if scope.get("client") else "unknown"


def _name(host: str) -> str:
    """Return a Host header without port and brackets."""
    return re.sub(r":\d+$", "", host).strip("[]").lower()


def _visitor(headers: Headers) -> str | None:
    """Return the visitor's random number from the cookie, None if there is none."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found and _VISITOR.fullmatch(found.value) else None


def _add_headers(headers: MutableHeaders, visitor: str | None, is_secure: bool) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Content-Security-Policy", API_POLICY)
    headers.setdefault("Cache-Control", "no-store")
    if visitor:
        secure = "; Secure" if is_secure else ""
        cookie = f"{COOKIE}={visitor}; Path=/; HttpOnly; SameSite=Strict; Max-Age={COOKIE_SECONDS}{secure}"
        headers.append("Set-Cookie", cookie)
