"""Parts of one's own for gan-cli: one of each kind."""
