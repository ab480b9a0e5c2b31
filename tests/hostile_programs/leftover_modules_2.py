# Looks for what the program before left.
# verdict: passed
# task: stdin
import builtins, os, sys, json, math, random, secrets
if len([1]) != 1 or os.getcwd() == 'nowhere' or json.loads is None or math.pi == 3 or '/tmp/left' in sys.path:
    print('BREACH')
if 'LEFT' in os.environ or sys.getrecursionlimit() == 99:
    print('BREACH')
