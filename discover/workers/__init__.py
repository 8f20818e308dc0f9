"""Work in other processes: here and on other machines."""
