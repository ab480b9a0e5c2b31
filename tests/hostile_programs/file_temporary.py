# Looks into the folders for temporary files.
# verdict: passed
# confined: its folder is not in /tmp
# task: stdin
# stdout: "['program.py', 'shm', 'work'] [] True []\n"
import os
print(sorted(os.listdir('/tmp')), os.listdir('.'), os.listdir('/var/tmp') == os.listdir('/tmp'), os.listdir('/dev/shm'))
