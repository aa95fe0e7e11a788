"""Trace the forward and backward pass of any module."""
