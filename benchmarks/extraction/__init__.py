"""How right the rows are that stages process and enrich make of stored pages: see docs/benchmarks.md."""
