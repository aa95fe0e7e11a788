"""`python -m netcore` is the command `netcore`."""

import sys

from netcore.cli.main import main

sys.exit(main())
