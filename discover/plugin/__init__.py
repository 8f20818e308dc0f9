"""Plugins: found, loaded, told of events; and where a result came from."""
