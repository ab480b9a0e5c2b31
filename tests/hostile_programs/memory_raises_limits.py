# Raises its limits before it allocates memory.
# verdict: memory
# limits: memory=268435456 seconds=5
import resource
for which in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
    try:
        resource.setrlimit(which, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print('BREACH: raised a limit')
    except (ValueError, OSError):
        pass
x = bytearray(1 << 30)

def add(a, b):
    return a - b
# check:
assert add(2, 3) == 5
assert add(0, 7) == 7
