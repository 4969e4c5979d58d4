"""`python -m toolspan`: run the command where the program `toolspan` is not on the path."""

import sys

from .command.main import main

sys.exit(main())
