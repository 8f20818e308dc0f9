"""Return functions: value targets and advantages from rewards and values, a file for each."""
