"""Train networks, record trainings, import weights, and evaluate runs."""
