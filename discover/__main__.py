"""``python -m discover`` is ``discover``."""

import sys

if __name__ == "__main__":
    try:
        from discover.start import main
    except KeyboardInterrupt:  # from here to there nobody else would catch it
        sys.exit(130)
    main()
