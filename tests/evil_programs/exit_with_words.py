# Leaves with words, which are a failure.
# verdict: error
# task: stdin
import sys
sys.exit('sorry')
