"""All that needs torch: recipes, data, training, traces, evaluation."""

import os

# Threads that wait for each other sleep instead of spinning. On a machine that is busy with something else, spinning
# makes two threads up to a hundred times slower than one. Read when torch is first imported; a setting of yours stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
