"""Rendering: scenes of a run become files with sidecars."""
