"""Runs a command, and kills everything it started when the process that launched this script ends.

    launch.py [--remove DIRECTORY] COMMAND [ARGUMENT ...]

Standard input is a pipe that the launching process holds open and never writes to. The system closes it even if that
process was killed with SIGKILL. When the pipe closes, a signal arrives, or the command ends, this script kills every
process below it, including those in their own process groups and sessions. Then it removes DIRECTORY and exits with the
status of the command.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ON_LINUX = sys.platform == "linux"


def prctl(option, value):
    """Sets a process attribute on Linux. Other systems rely on `descendants` alone."""
    if ON_LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def descendants():
    """The ids of all living processes below this one."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True).stdout if not ON_LINUX else ""
    parents = dict(map(int, line.split()) for line in table.splitlines())
    if ON_LINUX:
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                # The name of the command stands in parentheses and may contain any character. Parse what follows it.
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                    state, parent = stat.read().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue  # The process ended meanwhile.
            if state != "Z":
                parents[int(name)] = int(parent)
    found = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found - {os.getpid()}
        found |= more


def kill_all():
    # A process may start another one between the listing and the kill, so repeat until none is left.
    while alive := descendants():
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    # All are dead now. Reap them, so that no zombie in the process table looks like a living process.
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def main(arguments):
    directory = None
    if arguments[:1] == ["--remove"]:
        directory, arguments = arguments[1], arguments[2:]

    # Become the parent of orphaned descendants instead of init, so that `descendants` still finds them.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    wake_up, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)

    command = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        # If this process itself is killed with SIGKILL, the system kills the command.
        preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
    )
    while command.poll() is None:
        ready, _, _ = select.select([sys.stdin, wake_up], [], [])
        if sys.stdin in ready or os.read(wake_up, 1)[0] != signal.SIGCHLD:
            break

    status = command.returncode
    kill_all()
    if directory:
        shutil.rmtree(directory, ignore_errors=True)
    return status if status is not None and status >= 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
