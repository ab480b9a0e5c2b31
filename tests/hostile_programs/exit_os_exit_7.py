# Ends its process with a status.
# verdict: error
# task: stdin
import os
os._exit(7)
