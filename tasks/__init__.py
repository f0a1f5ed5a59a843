"""The Celery application, the worker's own parts, and the work of each queue in a folder of its own."""
