"""The work of queue `maintenance`: cleanup, health check, statistics, compaction of the lake."""
