# Reads bytes from the descriptor.
# verdict: passed
# task: stdin
# stdin: 'é' * 5
# stdout: '10 10\n'
# needs: proc
import os
print(len(os.read(0, 100)), len(open('/dev/stdin', 'rb').read()))
