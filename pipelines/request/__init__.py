"""What a job was asked for: its input and options, checked where they enter and again where they are read."""
