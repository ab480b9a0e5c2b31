# Exits with a message, which means failure.
# verdict: error
# task: stdin
import sys
sys.exit('sorry')
