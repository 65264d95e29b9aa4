"""From angles to better ones: optimisers, where they start, and how depth grows."""
