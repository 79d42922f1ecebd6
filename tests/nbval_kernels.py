"""nbval talks to each kernel through sockets of its own, so that no other run can get one."""

import os
import sys
import tempfile
import uuid
from pathlib import Path

import nbval.kernel
from jupyter_client.provisioning import local_provisioner

import kernel_nursery

# Sockets that are files: systems differ in having them, and limit their names to 104 characters.
PLACE = tempfile.gettempdir()
SOCKETS_ARE_FILES = os.name == "posix" and len(PLACE) < 60


class PrivateKernelManager(nbval.kernel.KernelManager):
    """A manager whose sockets are files with a name that no other kernel has.

    By default Jupyter looks for free TCP ports, lets go of them, and has the kernel take them half
    a second later. Another kernel that starts meanwhile may be given one of them: then "Kernel
    didn't respond in 60 seconds" (https://github.com/jupyter/jupyter_client/issues/487).
    """

    def _transport_default(self):
        """Take files where that is possible."""
        return "ipc" if SOCKETS_ARE_FILES else "tcp"

    def _ip_default(self):
        """Return what the names of the five sockets begin with."""
        if self.transport == "tcp":
            return super()._ip_default()
        return str(Path(PLACE) / f"kernel-{uuid.uuid4().hex}")

    def start_kernel(self, **options):
        """Find the fonts first: a kernel that has to look for them long says so on its page."""
        import matplotlib.font_manager  # noqa: F401

        super().start_kernel(**options)


nbval.kernel.KernelManager = PrivateKernelManager
if sys.platform == "linux":  # elsewhere a copy of a process is not to be trusted
    local_provisioner.launch_kernel = kernel_nursery.launch
