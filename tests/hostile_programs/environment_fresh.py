# Sees what a fresh program should see.
# verdict: passed
# confined: its folder is not in /tmp
# task: stdin
# stdout: "__main__ ['/tmp/program.py'] /tmp/work /tmp/work program.py utf-8 utf-8\n"
import os, sys
print(__name__, sys.argv, os.getcwd(), os.environ['HOME'], os.path.basename(__file__), sys.stdin.encoding, sys.stdout.encoding)
