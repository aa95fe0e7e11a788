"""Data types and files shared by all parts: runs, traces, samples, contexts."""
