"""`python -m toolspan`: the command, where its program is not on the path."""

import sys

from .command.main import main

sys.exit(main())
