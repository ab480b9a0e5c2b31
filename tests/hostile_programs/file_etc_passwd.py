# Adds a user to the machine.
# verdict: passed
# task: stdin
try:
    open('/etc/passwd', 'a').write('x')
    print('BREACH')
except OSError as error:
    print(type(error).__name__)
