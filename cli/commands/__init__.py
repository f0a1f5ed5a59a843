"""The commands, one module a group. Each has `register(app)` or its own Typer app, and imports lazily."""
