"""Asks a store for a process that forks (`beside.py`)."""

from __future__ import annotations

import sys

from data.object_store.beside import serve

serve(sys.stdin.buffer, sys.stdout.buffer)
