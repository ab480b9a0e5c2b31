"""A jail for tests that run hostile programs: `python tests/jail.py [--user UID] [--masked-proc] COMMAND...`.

`--like-docker` refuses namespaces and mounts as the default seccomp profile of Docker does, `--no-user-namespaces` as
a setting of the kernel does.

Whatever escapes from the sandbox is still confined here: every file system is read-only and without devices, scratch
folders are empty and in memory, and processes, network and IPC are separate. A user namespace around it locks all of
that, so that not even root inside can make a file system writable again. Before the command starts, the jail tests
itself. Where a jail is impossible, exits with status 77 and starts nothing.
"""

import argparse
import errno
import os
import struct
import sys
from pathlib import Path

from lintseq.sandbox import kernel, seccomp

NO_JAIL = 77
SCRATCH = ("/tmp", "/run", "/dev/shm", "/var/tmp")
DEVICES = ("null", "zero", "full", "random", "urandom")
ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", type=int, help="run the command as this user, if started by root")
    parser.add_argument("--masked-proc", action="store_true", help="prevent mounting of another /proc inside")
    parser.add_argument("--like-docker", action="store_true", help="refuse namespaces and mounts by seccomp")
    parser.add_argument("--no-user-namespaces", action="store_true", help="set user.max_user_namespaces to 0")
    parser.add_argument("--scratch", type=int, default=256, metavar="MB", help="size of /tmp (default: 256)")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    user, command = options.user, options.command
    try:
        is_root = os.geteuid() == 0
        required = required_paths()
        if hidden := [str(path) for path in required if path.is_relative_to("/tmp")]:
            print(f"no jail: it mounts an empty folder over /tmp, which contains {hidden[0]}", file=sys.stderr)
            return NO_JAIL
        if not is_root:
            map_single_user(os.geteuid(), os.getegid())
        kernel.unshare(
            kernel.NEW_NS | kernel.NEW_PID | kernel.NEW_NET | kernel.NEW_IPC | kernel.NEW_UTS, "mount and process"
        )
    except OSError as error:
        print(f"no jail: {error}", file=sys.stderr)
        return NO_JAIL
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9, what="end with the parent")
        make_read_only(required, options.scratch)
        if options.masked_proc:  # as container engines do
            kernel.bind("/proc/sys", "/proc/sys")
        if not is_root:
            map_single_user(os.geteuid(), os.getegid())
            kernel.unshare(kernel.NEW_NS, "mount")
        else:
            lock()
            if options.no_user_namespaces:
                Path("/proc/sys/user/max_user_namespaces").write_text("0")
            if user is not None:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
                kernel.prctl(kernel.PR_SET_DUMPABLE, 1, what="own /proc files")
        gap = find_gap()
        if options.like_docker:
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1, what="no new privileges")
            kernel.filter_system_calls(docker_like_filter())
    except OSError as error:
        gap = str(error)
    if gap:
        print(f"no jail: {gap}", file=sys.stderr)
        return NO_JAIL
    os.environ.update(TMPDIR="/tmp", HOME="/tmp")
    first = os.fork()  # the first process of a namespace has to reap orphans
    if first == 0:
        os.chdir("/tmp")
        os.execv(command[0], command)
    while True:
        pid, status = os.wait()
        if pid == first:
            return os.waitstatus_to_exitcode(status) & 0xFF


def required_paths() -> list[Path]:
    """Return what an unprivileged user must be able to read: this Python, its packages, and the repository."""
    found = [Path(sys.prefix), Path(sys.base_prefix), ROOT]
    return [path for path in found if not any(other in path.parents for other in found)]


def make_read_only(required: list[Path], scratch: int) -> None:
    """Make everything read-only, and mount empty folders over what has to be writable."""
    kernel.make_private("/")
    kernel.make_read_only("/")
    kernel.mount("tmpfs", "/tmp", "tmpfs", kernel.MS_NOSUID, f"size={scratch}m,mode=1777")
    os.makedirs("/tmp/dev")
    for name in DEVICES:
        Path(f"/tmp/dev/{name}").touch()
        kernel.bind(f"/dev/{name}", f"/tmp/dev/{name}")
        kernel.change_mount(f"/tmp/dev/{name}", remove=kernel.ATTR_NODEV)
    expose_in_closed_folders(required)
    kernel.mount("tmpfs", "/dev", "tmpfs", kernel.MS_NOSUID, "size=1m,mode=755")
    for name in DEVICES:
        Path(f"/dev/{name}").touch()
        kernel.bind(f"/tmp/dev/{name}", f"/dev/{name}")
        kernel.unmount(f"/tmp/dev/{name}")
    os.symlink("/proc/self/fd", "/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"/dev/{name}")
    os.mkdir("/dev/shm")
    for folder in SCRATCH[1:]:
        if os.path.isdir(folder):
            flags = kernel.MS_NOSUID | kernel.MS_NODEV
            kernel.mount("tmpfs", folder, "tmpfs", flags, "size=64m,mode=1777")
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", "/proc", "proc", flags)


def expose_in_closed_folders(required: list[Path]) -> None:
    """Cover folders that only root may enter, as /root often is, with ones that show only the required paths."""
    closed = {
        ancestor
        for path in required
        for ancestor in path.parents
        if not ancestor.stat().st_mode & 1 and ancestor != path
    }
    tops = [folder for folder in closed if not any(other in folder.parents for other in closed)]
    for folder in tops:
        inside = [path for path in required if folder in path.parents]
        for number, path in enumerate(inside):
            os.makedirs(f"/tmp/stash/{number}")
            kernel.bind(str(path), f"/tmp/stash/{number}")
        kernel.mount("tmpfs", str(folder), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
        for number, path in enumerate(inside):
            path.mkdir(parents=True)
            kernel.bind(f"/tmp/stash/{number}", str(path))
            kernel.unmount(f"/tmp/stash/{number}")
        kernel.make_read_only(str(folder))


def lock() -> None:
    """Enter a user namespace that maps every user to itself, in which no outer mount can be changed."""
    ready_in, ready_out = os.pipe()
    done_in, done_out = os.pipe()
    outside = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.read(ready_in, 1)
        for name in ("uid_map", "gid_map"):
            text = Path(f"/proc/self/{name}").read_text().split("\n")[0].split()
            Path(f"/proc/{outside}/{name}").write_text(f"{text[0]} {text[0]} {text[2]}")
        os.write(done_out, b"x")
        os._exit(0)
    kernel.unshare(kernel.NEW_USER, "user")
    os.write(ready_out, b"x")
    os.close(done_out)
    if not os.read(done_in, 1):
        raise OSError("the user namespace could not be mapped")
    os.waitpid(helper, 0)
    for descriptor in (ready_in, ready_out, done_in):
        os.close(descriptor)
    kernel.unshare(kernel.NEW_NS, "mount")


def map_single_user(uid: int, gid: int) -> None:
    kernel.unshare(kernel.NEW_USER, "user")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def docker_like_filter() -> bytes:
    """Return a filter that refuses what Docker's default one refuses and a sandbox would use."""
    column, _ = seccomp._ARCHITECTURES[kernel.MACHINE]
    refused = seccomp._refuse(errno.EPERM)
    calls = "unshare 272 97, setns 308 268, mount 165 40, umount2 166 39, pivot_root 155 41, mount_setattr 442 442"
    calls += ", move_mount 429 429, open_tree 428 428, fsopen 430 430, fsmount 432 432, bpf 321 280, keyctl 250 219"
    clone = [seccomp._argument(0), (seccomp._ANY_BIT, 0, 1, kernel.ANY_NAMESPACE), refused, seccomp._PERMIT]
    code = [
        (seccomp._LOAD, 0, 0, seccomp._NUMBER_AT),
        *seccomp._when(seccomp._calls(calls), column, [refused]),
        *seccomp._when(seccomp._calls("clone3 435 435"), column, [seccomp._refuse(errno.ENOSYS)]),
        *seccomp._when(seccomp._calls("clone 56 220"), column, clone),
        seccomp._PERMIT,
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def find_gap() -> str:
    """Return a gap in the jail, found by trying; empty if there is none."""
    paths = {"/", "/etc", "/usr", "/var", "/home", "/root", "/opt", str(ROOT), str(ROOT.parent), sys.prefix, "/boot"}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        kind = words[words.index("-") + 1]
        if kind not in ("tmpfs", "proc", "devtmpfs"):
            paths.add(words[4])
    for path in sorted(paths):
        probe = Path(path, ".lintseq-jail-probe")
        try:
            if not os.path.isdir(path):
                continue
            probe.touch()
        except OSError:
            continue
        probe.unlink()
        if os.stat(path).st_dev != os.stat("/tmp").st_dev and not in_memory(path):
            return f"{path} is writable"
    if set(os.listdir("/dev")) - {*DEVICES, "fd", "shm", "stdin", "stdout", "stderr"}:
        return "devices can be reached"
    if os.getpid() != 1:
        return "processes outside can be reached"
    probe = Path("/.lintseq-jail-probe")
    try:
        kernel.change_mount("/", remove=kernel.ATTR_RDONLY)
        probe.touch()
    except OSError:
        return ""
    probe.unlink()
    return "the root can be made writable again"


def in_memory(path: str) -> bool:
    best = max(
        (words for line in Path("/proc/self/mountinfo").read_text().splitlines() if (words := line.split())),
        key=lambda words: len(words[4]) if (path + "/").startswith(words[4].rstrip("/") + "/") else -1,
    )
    return best[best.index("-") + 1] == "tmpfs"


if __name__ == "__main__":
    sys.exit(main())
