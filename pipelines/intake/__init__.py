"""How work comes in: submits and ticks, and what a user does with a job that exists."""
