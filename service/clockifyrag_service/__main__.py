"""`python -m clockifyrag_service`: see process.py."""

import sys

from clockifyrag_index.garbage import put_off_collection

if __name__ == "__main__":
    put_off_collection()  # before some 900 modules are imported: a seventh of a start went into looks for garbage
    from .process import main

    sys.exit(main())
