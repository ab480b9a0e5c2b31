# Looks for its user's secret among all objects.
# verdict: passed
# task: stdin
# limits: seconds=30
import gc, re
for thing in gc.get_objects():
    if isinstance(thing, (dict, list, tuple)) and re.search('canary-in-memory:[0-9]{5}', repr(thing)[:100000]):
        print('BREACH')
        break
