# Kills everything that it can see, if that is only itself.
# verdict: passed|error
# task: stdin
# fresh: yes
# needs: proc
import os, signal
inside = (
    os.getpid() < 50
    and os.getcwd() == '/tmp/work'
    and os.getuid() != 0
    and not os.path.exists('/home')
    and sum(name.isdigit() for name in os.listdir('/proc')) <= 2
)
if inside:
    try:
        os.kill(-1, signal.SIGTERM)
    except ProcessLookupError:
        pass
print('alive')
