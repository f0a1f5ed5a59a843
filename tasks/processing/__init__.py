"""The work of queue `processing`: the tasks of process, enrich and score, and the scoring rules."""
