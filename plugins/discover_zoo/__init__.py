"""The seed plugins, sorted by what they are: a plugin is a module with ``discover_register``, all others support them."""
