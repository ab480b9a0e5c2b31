# Signals its own process group.
# verdict: error
# task: stdin
import os, signal
os.kill(0, signal.SIGKILL)
