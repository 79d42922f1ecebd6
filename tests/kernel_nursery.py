"""A process that has imported what notebooks import, and becomes a kernel for each of them.

Importing torch, Matplotlib and IPython takes a kernel longer than most notebooks take to run. On
Linux they are imported once: `launch` has a copy of that process become the kernel. What a notebook
does itself, importing included, it does as ever, in a process of its own.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time

# Not the backend of the figures: it looks for the shell of the kernel when it is imported.
MODULES = ("ipykernel.kernelapp", "ipykernel.ipkernel", "numpy", "scipy.stats", "matplotlib.pyplot",
           "matplotlib.backends.backend_svg", "sympy", "sklearn.datasets", "torch")  # fmt: skip


class Forked:
    """The process of a kernel, as far as Jupyter asks of one; it is not this process's child."""

    stdin = stdout = stderr = None

    def __init__(self, pid):
        self.pid, self.returncode = pid, None

    def poll(self):
        """Say whether it has ended; 0 if so, since nobody asks how."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            self.returncode = 0
        return self.returncode

    def wait(self, timeout=None):
        """Wait until it has ended."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("kernel", timeout)
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number):
        """Send it a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def terminate(self):
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self):
        """End it."""
        self.send_signal(signal.SIGKILL)


nursery = None


def launch(command, cwd=None, env=None, **_):
    """Start a kernel, in place of `jupyter_client.launch_kernel`."""
    global nursery
    if nursery is None or nursery.poll() is not None:
        nursery = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    arguments = command[command.index("-f") :]
    order = {"arguments": arguments, "cwd": cwd, "env": dict(env or os.environ)}
    nursery.stdin.write(json.dumps(order) + "\n")
    nursery.stdin.flush()
    return Forked(int(nursery.stdout.readline()))


def become_kernel(order):
    """Go on as a kernel: with its arguments, folder, environment, and no output but Jupyter's."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"] or ".")
    sys.argv[:] = ["ipykernel_launcher.py", *order["arguments"]]
    sys.path[0] = ""
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


def main():
    """Import, then become what is asked for, in copies."""
    for name in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what all kernels share
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # kernels that have ended need nobody
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            become_kernel(json.loads(line))
            os._exit(0)
        os.setpgid(pid, pid)  # before Jupyter asks for its group, to interrupt it
        print(pid, flush=True)


if __name__ == "__main__":
    main()
