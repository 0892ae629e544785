"""Find the system libraries that Qt needs and this machine lacks, and install or name them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Debian and Ubuntu package of each library that Qt's wheels leave to the system.
_PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libstdc++.so.6": "libstdc++6",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
}
# Opened by name at run time, so that no list of needed libraries shows it: Qt 6.5 and later refuse X11 without.
_LOADED_BY_NAME = ("libxcb-cursor.so.0",)


def ensure(site_packages: Path) -> None:
    """Install what is missing with apt when we are root; otherwise print the exact command and go on.

    A machine without a display still runs the terminal and the tests, so nothing here ends the program.
    """
    if not sys.platform.startswith("linux"):
        return
    missing = _missing(site_packages)
    if not missing:
        return
    packages = sorted({_PACKAGES.get(name, name) for name in missing})
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing system libraries for Qt: {' '.join(packages)}", flush=True)
        _apt(["apt-get", "update", "--quiet"])
        _apt(command)
    else:
        print(f"Qt needs system libraries that are missing. Install them with:\n  sudo {' '.join(command)}")


def _missing(site_packages: Path) -> set[str]:
    qt = site_packages / "PySide6"
    parts = [
        *qt.glob("QtWidgets*.so"),
        *qt.glob("Qt/plugins/platforms/libqxcb.so"),
        *qt.glob("Qt/plugins/platforms/libqoffscreen.so"),
        *qt.glob("Qt/lib/libQt6XcbQpa.so*"),
    ]
    missing = set()
    for part in parts:
        listing = subprocess.run(["ldd", str(part)], capture_output=True, text=True, check=False).stdout
        missing |= {line.split()[0] for line in listing.splitlines() if line.endswith("not found")}
    known = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    missing |= {name for name in _LOADED_BY_NAME if name not in known}
    return missing


def _apt(command: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode:
        print(f"This command failed; run it by hand to see why:\n  {' '.join(command)}")
