"""Notices on their way to somebody: the deliverer, the rules, and the channels.

The outbox itself is in data/notices/, what a notice can be about in leadmill/notices.py.
"""
