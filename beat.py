"""Start the scheduler: `python beat.py` (all of Celery's beat options)."""

from __future__ import annotations

import sys

from cli.child import beat_arguments, celery

if __name__ == "__main__":
    sys.exit(celery(beat_arguments(sys.argv[1:])))
