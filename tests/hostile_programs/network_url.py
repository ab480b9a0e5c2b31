# Fetches a page.
# verdict: passed
# task: stdin
import urllib.request
try:
    urllib.request.urlopen('http://192.0.2.1/', timeout=2)
    print('BREACH')
except OSError:
    pass
