"""The server of the lab; the only package that imports FastAPI."""
