"""Start a worker: `python worker.py -Q scraping -c 4` (Celery's worker options; without -Q all queues)."""

from __future__ import annotations

import sys

from cli.child import celery, worker_arguments

if __name__ == "__main__":
    sys.exit(celery(worker_arguments(sys.argv[1:])))
