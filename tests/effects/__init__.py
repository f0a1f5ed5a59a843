"""What is accepted has effect: for every field, option and setting a test that sees it (`tests/effects/named/`)."""
