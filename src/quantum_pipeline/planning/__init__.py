"""Decides before a run starts what it will take: algorithm, device, tasks, memory, cost."""
