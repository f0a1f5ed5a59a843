"""How fast Leadmill is, measured against a bare floor and against its peers in the same run. See docs/benchmarks.md."""
