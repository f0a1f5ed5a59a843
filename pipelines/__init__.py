"""What a job is made of and how it runs: stages and queues, intake, execution, and what is told of it."""
