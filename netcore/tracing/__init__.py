"""Trace a network's forward and backward pass: any module and an image to a `Trace`."""
