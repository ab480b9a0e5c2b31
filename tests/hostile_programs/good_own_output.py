# Replaces its output by its own.
# verdict: passed
# task: stdin
# stdout: 'fast\n'
import io, os, sys, atexit
class Fast(io.StringIO):
    def flush(self):
        os.write(1, self.getvalue().encode())
        self.truncate(0)
        self.seek(0)
sys.stdout = Fast()
print('fast')
