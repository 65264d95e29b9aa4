"""What a run will take, decided before it starts: algorithm, device, tasks, memory, cost."""
