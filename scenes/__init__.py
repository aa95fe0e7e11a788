"""The content of netcore: one file is one scene."""
