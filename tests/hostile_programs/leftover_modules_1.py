# Changes shared modules.
# verdict: passed
# task: stdin
import builtins, os, sys, json, math, random
builtins.len = lambda x: 42
os.getcwd = lambda: 'nowhere'
sys.modules['secrets'] = None
json.loads = None
math.pi = 3
sys.path.append('/tmp/left')
os.environ['LEFT'] = 'yes'
random.seed(1)
sys.setrecursionlimit(99)
