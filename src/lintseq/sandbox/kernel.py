"""What Linux offers and Python's library does not: namespaces, mounts, capabilities, Landlock, as plain calls.

Owns the numbers and layouts of the kernel's interface; what to do with them is `jail`'s. Every call raises
`OSError` with the name of what was refused. Imports nothing that costs: a fork server loads it first.
"""

import ctypes
import os
import platform
import struct

NEW_NS = 0x00020000
NEW_CGROUP = 0x02000000
NEW_UTS = 0x04000000
NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_PID = 0x20000000
NEW_NET = 0x40000000
NEW_TIME = 0x00000080
ANY_NAMESPACE = NEW_NS | NEW_CGROUP | NEW_UTS | NEW_IPC | NEW_USER | NEW_PID | NEW_NET | NEW_TIME

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
_DETACH = 2
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
_CAP_VERSION_3 = 0x20080522

# The same on every architecture: they are younger than the common table of system calls.
_NR_MOUNT_SETATTR, _NR_LANDLOCK_CREATE, _NR_LANDLOCK_ADD, _NR_LANDLOCK_RESTRICT = 442, 444, 445, 446

MACHINE = platform.machine()
_NR_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(MACHINE)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _done(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int, what: str) -> None:
    """Leave the parent's namespaces of the given kinds."""
    _done(_libc.unshare(flags), f"new {what} namespace")


def prctl(option: int, *values: int, what: str) -> None:
    numbers = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _done(_libc.prctl(option, *numbers), what)


# Mounts


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    data = options.encode() if options else None
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data)
    _done(result, f"mount of {kind or source} at {target}")


def unmount(target: str) -> None:
    """Take a mount away now, even if something in it is open."""
    _done(_libc.umount2(target.encode(), _DETACH), f"unmount of {target}")


def make_private(path: str) -> None:
    """Cut the tie between the mounts here and those of the parent."""
    result = _libc.mount(None, path.encode(), None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
    _done(result, f"private mounts at {path}")


def bind(source: str, target: str) -> None:
    """Show `source`, with all that is mounted in it, at `target` too."""
    result = _libc.mount(source.encode(), target.encode(), None, ctypes.c_ulong(MS_BIND | MS_REC), None)
    _done(result, f"bind mount of {source}")


def make_read_only(path: str, *, devices: bool = False) -> None:
    """Make a mount, and every mount in it, read-only and without set-user-id programs."""
    change_mount(path, add=_ATTR_RDONLY | _ATTR_NOSUID | (0 if devices else _ATTR_NODEV))


def allow_devices(path: str) -> None:
    """Let the device files of a mount be used."""
    change_mount(path, remove=_ATTR_NODEV)


def change_mount(path: str, *, add: int = 0, remove: int = 0) -> None:
    """Change the attributes of a mount and of every mount in it."""
    attributes = struct.pack("=QQQQ", add, remove, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_NR_MOUNT_SETATTR),
        ctypes.c_long(_AT_FDCWD),
        path.encode(),
        ctypes.c_ulong(_AT_RECURSIVE),
        attributes,
        ctypes.c_ulong(len(attributes)),
    )
    _done(result, f"change of the mount at {path} (needs Linux 5.12)")


def change_root(path: str) -> None:
    """Make `path`, which is a mount, the root, and let go of the old one."""
    if _NR_PIVOT_ROOT is None:
        raise OSError(38, f"change of root: not known how on {MACHINE}")
    os.chdir(path)
    _done(_libc.syscall(ctypes.c_long(_NR_PIVOT_ROOT), b".", b"."), "change of root")
    unmount(".")
    os.chdir("/")


# Rights


def last_capability() -> int:
    """Return the highest capability that the kernel knows."""
    number = 0
    while _libc.prctl(23, ctypes.c_ulong(number + 1), 0, 0, 0) >= 0:  # PR_CAPBSET_READ
        number += 1
    return number


def limit_capabilities() -> None:
    """See to it that no program started from here on can get a capability back."""
    for number in range(last_capability() + 1):
        prctl(PR_CAPBSET_DROP, number, what="capability bounding set")


def drop_capabilities() -> None:
    """Give up every capability that this process has."""
    header, nothing = struct.pack("=Ii", _CAP_VERSION_3, 0), bytes(24)
    _done(_libc.capset(header, nothing), "dropping of capabilities")


def has_admin() -> bool:
    """Tell whether this process may administer its namespaces (CAP_SYS_ADMIN)."""
    header, sets = struct.pack("=Ii", _CAP_VERSION_3, 0), ctypes.create_string_buffer(24)
    _done(_libc.capget(header, sets), "reading of capabilities")
    effective: int = struct.unpack_from("=I", sets, 0)[0]
    return bool(effective >> 21 & 1)


# seccomp and Landlock


def filter_system_calls(program: bytes) -> None:
    """Put a filter, as `seccomp` makes it, between this process and the kernel, for good."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(header, len(header))
    result = _libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(2), ctypes.byref(holder), ctypes.c_ulong(0), ctypes.c_ulong(0))
    _done(result, "system call filter (seccomp)")


_WRITE_RIGHTS_1 = 0b1111111110010
"""Of Landlock's first version: to write a file; to remove and to make files, folders, links, sockets, devices."""
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_SCOPES = 0b11
"""Abstract sockets and signals reach no process outside."""


def landlock_version() -> int:
    """Return the version of Landlock that the kernel offers; raise if there is none."""
    return _done(
        _libc.syscall(ctypes.c_long(_NR_LANDLOCK_CREATE), None, ctypes.c_ulong(0), ctypes.c_ulong(1)), "Landlock"
    )


def allow_writing_only_in(folders: tuple[str, ...], version: int) -> None:
    """Let this process and its children change files in these folders alone, and signal nothing else."""
    rights = _WRITE_RIGHTS_1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        rights |= right if version >= since else 0
    # The layout: rights on files (version 1), on the network (4), scopes (6).
    attributes = struct.pack("=Q", rights)
    if version >= 6:
        attributes += struct.pack("=QQ", 0, _SCOPES)
    rules = _done(
        _libc.syscall(
            ctypes.c_long(_NR_LANDLOCK_CREATE), attributes, ctypes.c_ulong(len(attributes)), ctypes.c_ulong(0)
        ),
        "Landlock",
    )
    try:
        for folder in folders:
            place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", rights, place)
            numbers = (ctypes.c_long(_NR_LANDLOCK_ADD), ctypes.c_long(rules), ctypes.c_long(1))
            result = _libc.syscall(*numbers, rule, ctypes.c_ulong(0))
            os.close(place)
            _done(result, f"Landlock rule for {folder}")
        _done(_libc.syscall(ctypes.c_long(_NR_LANDLOCK_RESTRICT), ctypes.c_long(rules), ctypes.c_ulong(0)), "Landlock")
    finally:
        os.close(rules)
