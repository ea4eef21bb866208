"""The commands, one a file; `cli` loads each only when it is called."""
