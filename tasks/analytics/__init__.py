"""The work of queue `analytics`: reports and analyses of scored rows."""
