"""Return functions: targets and advantages from rewards and values."""
