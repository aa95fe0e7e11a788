"""Scene to file: catalogue, frames, encoding, manifest, many at once."""
