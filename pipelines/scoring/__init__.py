"""By what leads are scored: rule files, models by their names, and ideal customer profiles made into rules."""
