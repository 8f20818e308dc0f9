"""Files: arrays, archives, JSON, YAML, locks. Data only: nothing in them ever runs."""
