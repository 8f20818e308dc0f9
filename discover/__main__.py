"""``python -m discover`` is ``discover``."""

from discover.cli import main

if __name__ == "__main__":
    main()
