"""Channels: messages for people by apprise, and signed webhooks."""
