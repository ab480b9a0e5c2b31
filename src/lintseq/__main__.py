"""`python -m lintseq` is the command `lintseq`, and what launchers start on several devices at once."""

import os
import sys

from lintseq.cli import main

status = main()
if int(os.environ.get("WORLD_SIZE", "1")) > 1:
    # At the interpreter's end a thread of torch may abort it, and the launcher then ends the others as they write.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
sys.exit(status)
