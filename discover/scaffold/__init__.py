"""New packages for plugins: templates with a working component of each kind, and the names that are filled in."""
