"""The whole stack on this machine: its processes, their folder, their ports, and who keeps them alive."""
