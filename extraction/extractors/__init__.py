"""What one page says: each module finds one kind of thing in a `Document` and yields `Finding`s."""
