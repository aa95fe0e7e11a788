"""Networks: architectures, loading, and the exported graph of an imported network."""

import os

# Waiting threads sleep instead of spinning: on a busy machine, spinning makes two threads up to a hundred times slower
# than one. Read when torch is first imported; the user's own setting is not changed.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
