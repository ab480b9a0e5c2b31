# Creates files with odd names.
# verdict: passed
# task: stdin
import os
for name in (b'\xff\xfe', b'new\nline', b' ', b'-rf', b'*', b'x' * 255, b'\xed\xa0\x80'):
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
os.mkfifo('fifo')
os.symlink('/', 'root')
os.symlink('loop', 'loop')
