"""Compute what pictures show from traces and runs, without torch."""
