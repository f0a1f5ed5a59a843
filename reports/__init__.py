"""Reports: analysis queries, findings in words, charts, and one renderer per format."""
