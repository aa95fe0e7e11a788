"""All that needs torch: data, models, training, recording traces, evaluation."""
