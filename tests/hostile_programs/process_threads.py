# Starts threads until it cannot, forty at most.
# verdict: passed
# confined: where programs run as their user, their number is checked every 50 ms
# task: stdin
# limits: processes=20 seconds=5
import threading, time
made = 0
for _ in range(40):
    try:
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
        made += 1
    except RuntimeError:
        break
if made > 25:
    print('BREACH', made)
