"""Parts of films that several films use."""
