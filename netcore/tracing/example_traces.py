"""Store the traces of a run's first examples with it."""

from contextlib import suppress

import numpy as np

from netcore.core.cached_network import CachedNetwork
from netcore.core.run import Run
from netcore.core.sample import Sample
from netcore.tracing.network import TorchNetwork

MAX_TRACES = 10
MAX_BYTES = 10_000_000
MAX_WEIGHTS = 100_000_000  # bytes of a snapshot


def store_example_traces(run: Run) -> int:
    """Store the traces of the first example of each class, through the best snapshot, and return how many.

    At most ten, and 10 MB of values, so that pictures of them need no torch. A network that cannot be traced stores
    none, nor does one of more than 100 MB, which would be in memory three times.

    Parameters
    ----------
    run : Run
    """
    stored = size = 0
    with suppress(Exception):  # a cache: a network that cannot be traced is reported by whoever draws it
        if not run.info.get("examples"):
            return 0
        snapshot, examples = run.snapshot("best"), run.examples()
        if (run.path / snapshot.file).stat().st_size > MAX_WEIGHTS:
            return 0
        network = CachedNetwork(run, snapshot, lambda: TorchNetwork(run, snapshot))
        _, first = np.unique(examples.labels, return_index=True)
        for k in sorted(first.tolist())[:MAX_TRACES]:
            trace = network.trace(Sample(examples.images[k], int(examples.labels[k])))
            stored += 1
            size += sum(layer.output.nbytes for layer in trace.layers)
            del trace  # it has copies of the weights
            if size * (stored + 1) / stored > MAX_BYTES:
                break
    return stored
