"""The `leadmill` command; it speaks to the API, and starts and supervises the stack of this machine."""
