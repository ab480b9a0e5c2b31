# Looks into its parent's memory.
# verdict: passed
# task: stdin
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for pid in (os.getppid(), 1):
    if libc.ptrace(16, pid, 0, 0) == 0:
        print('BREACH: ptrace', pid)
    for path in ('mem', 'environ', 'maps', 'fd', 'cwd', 'root'):
        try:
            os.listdir(f'/proc/{pid}/{path}') if path in ('fd', 'cwd', 'root') else open(f'/proc/{pid}/{path}', 'rb').read(1)
            print('BREACH', pid, path)
        except OSError:
            pass
    local = ctypes.create_string_buffer(8)
    class Vector(ctypes.Structure):
        _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]
    mine = Vector(ctypes.addressof(local), 8)
    theirs = Vector(id(os), 8)
    if libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0) > 0:
        print('BREACH: memory of', pid)
