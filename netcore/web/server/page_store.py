"""Pages that were built once, compressed and tagged."""

import gzip
import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response


@dataclass(frozen=True)
class StoredPage:
    """A page and its compressed form."""

    plain: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, html: str) -> "StoredPage":
        """Compress a page."""
        plain = html.encode()
        return cls(plain, gzip.compress(plain, 6), f'"{hashlib.sha256(plain).hexdigest()[:32]}"')

    def response(self, request: Request, policy: str) -> Response:
        """Answer a request; a browser that has the page already gets none.

        Parameters
        ----------
        request : Request
        policy : str
            Content security policy.
        """
        headers = {"ETag": self.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        headers["Content-Security-Policy"] = policy
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.packed, media_type="text/html", headers=headers)
        return Response(self.plain, media_type="text/html", headers=headers)
