"""First files of scenes, as `netcore new-scene` writes them."""
