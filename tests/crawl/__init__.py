"""Tests of the crawl, against a server that does everything wrong."""
