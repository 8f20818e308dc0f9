"""Building blocks for update rules: replay buffer, on-policy base, weights of steps, target parameters."""
