# Looks for what the program before left.
# verdict: passed
# task: stdin
import re
found = 0
try:
    with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', buffering=0) as memory:
        for line in maps:
            match = re.match(r'([0-9a-f]+)-([0-9a-f]+) rw', line)
            if match and '[v' not in line:
                start, end = (int(part, 16) for part in match.groups())
                memory.seek(start)
                for place in range(start, end, 1 << 20):
                    found += len(re.findall(rb'left-in-memory:[0-9]{5}', memory.read(min(1 << 20, end - place)) or b''))
except OSError as error:
    print(type(error).__name__)
if found:
    print('BREACH', found)
