"""Replaces itself with the plugin's executable for this machine.

Dify starts every plugin as `python -m main`. This one is a native program: nothing is imported but what every Python
has, and after the last line there is no Python left. The process and its pipes stay the same.
"""

import os
import sys

NAME = "@NAME@"
SHIPPED = "@SHIPPED@"
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def executable():
    machine = os.uname().machine if hasattr(os, "uname") else "unknown"
    system = "linux" if sys.platform.startswith("linux") else sys.platform
    folder = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(folder, "bin", f"{NAME}-{system}-{ARCHITECTURES.get(machine, machine)}")
    if not os.path.isfile(path):
        sys.exit(f"{NAME}: this package has no executable for {system} on {machine}; it ships {SHIPPED}")
    return path


def run(path):
    try:
        if not os.access(path, os.X_OK):
            os.chmod(path, 0o755)  # Dify unpacks every file without the right to execute it.
        os.execv(path, [path])
    except OSError as error:
        run_from_memory(path, error)


def run_from_memory(path, reason):
    """For folders that are read-only, or mounted so that nothing in them may run."""
    if not hasattr(os, "memfd_create"):
        sys.exit(f"{NAME}: {path} cannot be run: {reason}")
    try:
        memory = os.memfd_create(NAME, os.MFD_CLOEXEC)
        with open(path, "rb") as source:
            while os.sendfile(memory, source.fileno(), None, 1 << 30):
                pass
        os.execve(memory, [path], os.environ)
    except OSError as error:
        sys.exit(f"{NAME}: {path} can be run neither in place ({reason}) nor from memory ({error})")


if __name__ == "__main__":
    run(executable())
