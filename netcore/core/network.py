"""Forward passes of a run's network, as a protocol."""

from collections.abc import Callable

import numpy as np

from netcore.core.run import Run, Snapshot
from netcore.core.trace import Trace

Tracer = Callable[[Run, Snapshot, np.ndarray, int | None, bool], Trace]
Passer = Callable[[Run, Snapshot, np.ndarray, tuple[str, ...]], dict[str, np.ndarray]]
