"""Positions, sizes and widths, shared by figures and films."""
