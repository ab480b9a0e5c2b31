# Sleeps while daemons in their own sessions use the CPU.
# verdict: timeout
# task: stdin
# needs: proc
# limits: seconds=0.3
import os, time
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            end = time.time() + 20
            while time.time() < end:
                pass
        os._exit(0)
    os.wait()
time.sleep(1.7)
print('BREACH')
