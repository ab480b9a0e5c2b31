"""The system calls that programs may not make, and the seccomp filter that refuses them.

At the level `isolated`, the filter is installed once, in the fork server, and inherited by every program. So it has to
allow the three calls with which the server clears the jail: mount, umount2, and unshare of the network alone. They
need a capability that programs have given up, and Landlock refuses the first two as well.

At the level `confined`, a stricter filter also refuses what namespaces would hide and what Landlock cannot restrict.
If this version of Landlock does not restrict signals, each program installs the filter itself.
"""

import errno
import os
import struct
from dataclasses import dataclass

from lintseq.sandbox import kernel

_Numbers = tuple[int | None, int | None]
"""Of a system call on x86_64 and aarch64; None where it does not exist."""


def _calls(table: str) -> list[_Numbers]:
    """Read a table of `name x86_64 aarch64`, separated by commas."""
    rows = [row.split() for row in table.split(",")]
    return [(int(x86_64), int(aarch64) if aarch64.isdigit() else None) for _, x86_64, aarch64 in rows]


_REFUSED = [
    # other roots, mounts and namespaces
    *_calls("pivot_root 155 41, chroot 161 51, setns 308 268, mount_setattr 442 442, move_mount 429 429"),
    *_calls("open_tree 428 428, open_tree_attr 467 467, fsopen 430 430, fsconfig 431 431, fsmount 432 432"),
    *_calls("fspick 433 433, open_by_handle_at 304 265, name_to_handle_at 303 264, fanotify_init 300 262"),
    *_calls("fanotify_mark 301 263, quotactl 179 60, quotactl_fd 443 443"),
    # the machine
    *_calls("swapon 167 224, swapoff 168 225, reboot 169 142, sethostname 170 161, setdomainname 171 162"),
    *_calls("init_module 175 105, finit_module 313 273, delete_module 176 106, kexec_load 246 104"),
    *_calls("kexec_file_load 320 294, acct 163 89, syslog 103 116, settimeofday 164 170, clock_settime 227 112"),
    *_calls("clock_adjtime 305 266, adjtimex 159 171, vhangup 153 58, iopl 172 -, ioperm 173 -, modify_ldt 154 -"),
    *_calls("nfsservctl 180 42, lookup_dcookie 212 18"),
    # other processes
    *_calls("ptrace 101 117, process_vm_readv 310 270, process_vm_writev 311 271, process_madvise 440 440"),
    *_calls("process_mrelease 448 448, pidfd_getfd 438 438, kcmp 312 272, migrate_pages 256 238, move_pages 279 239"),
    # large and rarely used parts of the kernel
    *_calls("bpf 321 280, perf_event_open 298 241, io_uring_setup 425 425, io_uring_enter 426 426"),
    *_calls("io_uring_register 427 427, userfaultfd 323 282, personality 135 92"),
    # what would outlive the program, or is not counted against its limits
    *_calls("add_key 248 217, request_key 249 218, keyctl 250 219, memfd_create 319 279, memfd_secret 447 447"),
    *_calls("shmget 29 194, shmat 30 196, shmctl 31 195, semget 64 190, semop 65 193, semctl 66 191"),
    *_calls("semtimedop 220 192, msgget 68 186, msgsnd 69 189, msgrcv 70 188, msgctl 71 187, mq_open 240 180"),
    *_calls("mq_unlink 241 181"),
]
_REFUSED_CONFINED = [
    *_calls("mount 165 40, umount2 166 39, unshare 272 97, connect 42 203, bind 49 200, pidfd_send_signal 424 424"),
    # Landlock does not keep these from files that may not be read
    *_calls("inotify_init 253 -, inotify_init1 294 26, inotify_add_watch 254 27"),
]
_OF_OWNERS = [
    *_calls("chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -, fchown 93 55, lchown 94 -"),
    *_calls("fchownat 260 54, utime 132 -, utimes 235 -, futimesat 261 -, setxattr 188 5"),
    *_calls("lsetxattr 189 6, fsetxattr 190 7, removexattr 197 14, lremovexattr 198 15, fremovexattr 199 16"),
    *_calls("setxattrat 463 463, removexattrat 466 466, file_setattr 469 469"),
]
"""What only the owner of a file may do, and Landlock does not restrict."""
_OF_USERS = [
    *_calls(
        "setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147, setresgid 119 149"
    ),
    *_calls("setfsuid 122 151, setfsgid 123 152, setgroups 116 159"),
]
_ABSENT = _calls("clone3 435 435")
"""Reported as missing, so that the C library uses the older call, whose flags a filter can see."""
_ONLY_ITSELF = (
    (_calls("prlimit64 302 261"), (0,)),
    (_calls("setpriority 141 140"), (0, 1)),
    (_calls("ioprio_set 251 30"), (1,)),
    (_calls("sched_setaffinity 203 122, sched_setscheduler 144 119, sched_setparam 142 118"), (0,)),
    (_calls("sched_setattr 314 274"), (0,)),
)
"""Allowed only for the calling process: calls, and the indices of the arguments that must be 0."""
_FAMILIES = (1, 2, 10)
"""Unix, IPv4, IPv6. A network namespace does not confine all others: vsock reaches the host of a virtual machine."""
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX, which insert characters into a terminal's input."""
_FILE_FLAGS = (0x40086602, 0x401C5820, 0x40087602)
"""FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR and FS_IOC_SETVERSION, which change a file opened for reading."""
_SIGNAL_OWNER = (0x8901, 0x8902)
"""FIOSETOWN and SIOCSPGRP: who gets signals about a descriptor."""
_SET_SIGNAL_OWNER = (8, 10, 15)
"""F_SETOWN, F_SETSIG and F_SETOWN_EX: the same, and which signal."""
_DATAGRAMS = 2
_SOCKET_KIND = 0xF
_SET_DUMPABLE = 4

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

_Instruction = tuple[int, int, int, int]
_PERMIT: _Instruction = (_RETURN, 0, 0, _ALLOW)


@dataclass(frozen=True, slots=True)
class ConfinedCalls:
    """What the filter of a confined program depends on."""

    signals_only: int | None
    """The only process that may be signaled; None if Landlock restricts signals."""
    owns_files: bool
    """Whether files outside the scratch folder belong to the program's user. Then changing modes, owners, times and
    attributes of files has no effect, for no system call tells a filter which file."""
    pretends_user: bool
    """Whether changing the user has no effect."""
    truncates: bool
    """Whether Landlock does not restrict truncating."""


def filter_for(machine: str, confined: ConfinedCalls | None = None) -> bytes:
    """Return the BPF program for a kind of machine; raises `OSError` if there is none."""
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"system call filter (seccomp): no table of calls for {machine}")
    column, architecture = _ARCHITECTURES[machine]
    code: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine == "x86_64":  # the x32 interface, which has its own numbers
        code += [(_AT_LEAST, 0, 1, 0x40000000), _refuse(errno.ENOSYS)]
    refused = [_refuse(errno.EPERM)]
    restricted: list[tuple[list[_Numbers], list[_Instruction]]] = [
        *((calls, [step for index in indices for step in _unless(index, (0,))]) for calls, indices in _ONLY_ITSELF),
        (_calls("clone 56 220"), [_argument(0), (_ANY_BIT, 0, 1, kernel.ANY_NAMESPACE), *refused]),
        # A process that is not "dumpable" hides how much memory it uses.
        (
            _calls("prctl 157 167"),
            [_argument(0), (_EQUAL, 0, 3, _SET_DUMPABLE), _argument(1), (_EQUAL, 1, 0, 1), *refused],
        ),
        *(_isolated_rules() if confined is None else _confined_rules(confined)),
    ]
    code += _when(_REFUSED, column, refused) + _when(_ABSENT, column, [_refuse(errno.ENOSYS)])
    for calls, checks in restricted:
        code += _when(calls, column, [*checks, _PERMIT])
    code.append(_PERMIT)
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


_Rules = list[tuple[list[_Numbers], list[_Instruction]]]
"""System calls, and code that refuses some of them and falls through for the others."""


def _isolated_rules() -> _Rules:
    return [
        (_calls("unshare 272 97"), _unless(0, (kernel.NEW_NET,))),
        (_calls("socket 41 198"), _unless(0, _FAMILIES, error=errno.EAFNOSUPPORT)),
        (_calls("ioctl 16 29"), _if_any(1, _TERMINAL_INPUT)),
    ]


def _confined_rules(confined: ConfinedCalls) -> _Rules:
    own, no_effect = confined.signals_only, [_refuse(0)]
    requests = (*_TERMINAL_INPUT, *_FILE_FLAGS, *(_SIGNAL_OWNER if own else ()))
    # A datagram could be sent to any socket; the address is in memory, where a filter cannot look.
    pairs = [_argument(1), (_AND, 0, 0, _SOCKET_KIND), (_EQUAL, 0, 1, _DATAGRAMS), _refuse(errno.EPROTONOSUPPORT)]
    rules = [
        (_REFUSED_CONFINED, [_refuse(errno.EPERM)]),
        (_calls("socket 41 198, socketpair 53 199"), [*_unless(0, (1,), error=errno.EAFNOSUPPORT), *pairs]),
        (_calls("ioctl 16 29"), _if_any(1, requests)),
        (_OF_OWNERS, no_effect if confined.owns_files else []),
        (_calls("utimensat 280 88"), _touch_rules() if confined.owns_files else []),
        (_OF_USERS, no_effect if confined.pretends_user else []),
    ]
    if own:
        rules += [
            (
                _calls("kill 62 129, tgkill 234 131, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240"),
                _unless(0, (own, 0)),
            ),
            (_calls("tkill 200 130"), [_refuse(errno.EPERM)]),
            (_calls("fcntl 72 25"), _if_any(1, _SET_SIGNAL_OWNER)),
        ]
    if confined.truncates:  # which opening a file for reading can do, too
        rules += [
            (_calls("truncate 76 45"), [_refuse(errno.EPERM)]),
            (_calls("openat2 437 437"), [_refuse(errno.ENOSYS)]),
            (_calls("open 2 -"), _if_truncated_for_reading(1)),
            (_calls("openat 257 56"), _if_truncated_for_reading(2)),
        ]
    return rules


def _touch_rules() -> list[_Instruction]:
    """Return code that refuses to set a path's times to now, and else has no effect.

    `Path.touch` creates a file if it cannot do that, and takes the file to exist if it can.
    """
    path, times = 1, 2
    return [
        *(_argument(times), (_EQUAL, 0, 6, 0), _argument(times, upper=True), (_EQUAL, 0, 4, 0)),
        *(_argument(path), (_EQUAL, 0, 3, 0), _argument(path, upper=True), (_EQUAL, 0, 1, 0)),
        *(_refuse(0), _refuse(errno.EPERM)),
    ]


def _if_truncated_for_reading(index: int) -> list[_Instruction]:
    both = os.O_TRUNC | os.O_ACCMODE
    return [_argument(index), (_AND, 0, 0, both), (_EQUAL, 0, 1, os.O_TRUNC), _refuse(errno.EPERM)]


def _if_any(index: int, values: tuple[int, ...]) -> list[_Instruction]:
    """Return code that refuses if an argument has one of these values."""
    return [_argument(index), *(step for value in values for step in ((_EQUAL, 0, 1, value), _refuse(errno.EPERM)))]


def _refuse(error: int) -> _Instruction:
    return _RETURN, 0, 0, _ERRNO | error


def _argument(index: int, *, upper: bool = False) -> _Instruction:
    """Load half of an argument, the lower one unless `upper`; both architectures are little-endian."""
    return _LOAD, 0, 0, _ARGUMENTS_AT + 8 * index + 4 * upper


def _when(calls: list[_Numbers], column: int, then: list[_Instruction]) -> list[_Instruction]:
    """Return code that does `then` for some system calls and is skipped for the others."""
    numbers = [call[column] for call in calls]
    return [step for number in numbers if number is not None for step in ((_EQUAL, 0, len(then), number), *then)]


def _unless(index: int, values: tuple[int, ...], *, error: int = errno.EPERM) -> list[_Instruction]:
    """Return code that refuses unless an argument has one of these values."""
    checks = [(_EQUAL, len(values) - number, 0, value) for number, value in enumerate(values)]
    return [_argument(index), *checks, _refuse(error)]
