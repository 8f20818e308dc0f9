"""The process: signals, standard streams, devices, messages between processes."""
