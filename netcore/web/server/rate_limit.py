"""Limit how often an address, a visitor or a connection may ask."""

import time
from collections.abc import Callable

MAX_KEYS = 10_000  # buckets in memory; full ones are dropped first


class RateLimiter:
    """Token buckets by key.

    Parameters
    ----------
    rate : float
        Tokens per second that a bucket gains.
    burst : float
        Size of a bucket.
    clock : callable
        Returns seconds.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self._clock = rate, burst, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # tokens, and the time at which they were counted

    def allow(self, key: str) -> bool:
        """Take one token; False if there is none."""
        now = self._clock()
        tokens, since = self._buckets.get(key, (self.burst, now))
        tokens = min(self.burst, tokens + (now - since) * self.rate)
        allowed = tokens >= 1
        self._buckets[key] = (tokens - allowed, now)
        if len(self._buckets) > MAX_KEYS:
            self._drop_full(now)
        return allowed

    def _drop_full(self, now: float) -> None:
        """Forget buckets that are full again; if most are not, the oldest half."""
        kept = {k: (n, t) for k, (n, t) in self._buckets.items() if n + (now - t) * self.rate < self.burst}
        if len(kept) > MAX_KEYS // 2:
            newest = sorted(kept.items(), key=lambda item: item[1][1])[-MAX_KEYS // 2 :]
            kept = dict(newest)
        self._buckets = kept
