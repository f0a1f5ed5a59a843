"""What is told of jobs: lists, states, causes, figures."""
