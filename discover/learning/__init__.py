"""Building blocks for update rules: a replay buffer, a base class for fresh batches, weights of steps, target parameters."""
