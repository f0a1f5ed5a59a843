"""What drives a job: its launch, every run of a stage, its end, and its recovery after a crash."""
