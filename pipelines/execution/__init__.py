"""What drives a job: from its launch over every run of a stage to its end, and back to life after a death."""
