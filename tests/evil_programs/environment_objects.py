# Looks for its user's secret among the objects.
# verdict: passed
# task: stdin
# limits: seconds=30
import gc

for thing in gc.get_objects():
    if isinstance(thing, (dict, list, tuple)) and "canary-in" + "-memory" in repr(thing)[:100000]:
        print("BREACH")
        break
