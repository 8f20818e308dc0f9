"""Files: arrays, archives, JSON, YAML, locks. They hold data alone: reading one never runs code from it."""
