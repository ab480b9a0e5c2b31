# Forks until it cannot, forty times at most.
# verdict: passed|error
# task: stdin
# confined: where programs run as their user, their number is checked every 50 ms and at the end; too many are an error all the same
# limits: processes=20 seconds=5
import os, time
made = 0
for _ in range(40):
    try:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        made += 1
    except OSError:
        break
if made > 25:
    print('BREACH', made)
