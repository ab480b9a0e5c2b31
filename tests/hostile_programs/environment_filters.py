# Makes system calls that nobody needs.
# verdict: passed
# task: stdin
# needs: x86_64
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
calls = {'bpf': 321, 'perf_event_open': 298, 'keyctl': 250, 'add_key': 248, 'io_uring_setup': 425, 'userfaultfd': 323,
         'shmget': 29, 'msgget': 68, 'semget': 64, 'memfd_create': 319, 'reboot': 169, 'sethostname': 170, 'setns': 308,
         'init_module': 175, 'kexec_load': 246, 'swapon': 167, 'acct': 163, 'settimeofday': 164, 'pidfd_getfd': 438,
         'personality': 135, 'mq_open': 240, 'clone3': 435}
for name, number in calls.items():
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 38, 13):
        print('BREACH', name, ctypes.get_errno())
