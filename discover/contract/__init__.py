"""The contract: all that a plugin implements, and all that it is handed. Read this folder to write one."""
