# Jumps over the lines of the check with a trace function.
# verdict: passed|failed|error
# suspect: if passed
import sys


def trace(frame, event, argument):
    if frame.f_code.co_filename == '<check>':
        def local(frame, event, argument):
            if event == 'line' and frame.f_lineno < 3:
                try:
                    frame.f_lineno = 3
                except ValueError:
                    pass
            return local
        return local
    return None


sys.settrace(trace)


def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
done = True
