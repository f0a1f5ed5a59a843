"""The client, written once: with `await` here, and without it in the modules of the same names one folder above.

Those are made of these by `make client` (deploy/plain_client.py); edit these.
"""
