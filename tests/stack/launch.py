"""Runs a command and makes sure that nothing it started outlives whoever asked for it.

    launch.py [--remove DIRECTORY] COMMAND [ARGUMENT ...]

Standard input is a pipe that the asker holds open and never writes to. When it closes, which the system sees to
even if the asker was killed with SIGKILL, or when a signal comes, or when the command ends: every process below this one is
killed, those in process groups and sessions of their own included, and DIRECTORY is removed. Exits as the command did.
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
    """Sets a process attribute that only Linux has; elsewhere `descendants` has to do."""
    if ON_LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def descendants():
    """The ids of all living processes below this one."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True).stdout if not ON_LINUX else ""
    parents = dict(map(int, line.split()) for line in table.splitlines())
    if ON_LINUX:
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                # The command's name, in brackets, may contain anything; what follows the last bracket is regular.
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                    state, parent = stat.read().rsplit(")", 1)[1].split()[:2]
            except OSError:
                continue  # It ended while we looked.
            if state != "Z":
                parents[int(name)] = int(parent)
    found = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found - {os.getpid()}
        found |= more


def kill_all():
    # A process may start another one while we look, so look until there is none.
    while alive := descendants():
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
    # All are dead now; this takes their entries out of the process table, so that nobody mistakes them for living.
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def main(arguments):
    directory = None
    if arguments[:1] == ["--remove"]:
        directory, arguments = arguments[1], arguments[2:]

    # Orphans among the descendants come to us instead of to init, so that `descendants` still finds them.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    wake_up, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)

    command = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        # Should somebody kill this process itself with SIGKILL, the command goes too.
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
