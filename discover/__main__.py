"""``python -m discover`` is ``discover``."""

import sys


def main() -> None:
    """Run the command line, and end with its status."""
    from discover.process.program import run_program

    run_program(_command_line)


def _command_line() -> None:
    from discover.cli import main as run

    run()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # before signals are settled, nobody else would catch it
        sys.exit(130)
