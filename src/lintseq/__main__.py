"""`python -m lintseq` is the command `lintseq`."""

import sys

from lintseq.cli import main

sys.exit(main())
