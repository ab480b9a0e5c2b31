# Signals its group, which is its own.
# verdict: error
# task: stdin
import os, signal
os.kill(0, signal.SIGKILL)
