"""Machine code that is not the interpreter's, and memory that is not the script's.

Where the code of `ctypes` has been unmapped, using what is left of it ends the worker.
"""

ATTEMPTS = {
    "22 call libc through ctypes": """
def call():
    import ctypes
    return ctypes.CDLL(None).getpid()
tries(call)
""",
    "22 call libc through what is left of ctypes": """
found = [kind for kind in type.__subclasses__(type) if kind.__module__ == "_ctypes"]
say("held", len(found))
def call():
    meta = next(kind for kind in found if kind.__name__ == "PyCFuncPtrType")
    from _ctypes import CFuncPtr
    kind = meta("F", (CFuncPtr,), {"_flags_": 1, "_restype_": None})
    return kind(id(call))
tries(call)
""",
    "22 call libc through the module that served the seal": """
from circuitos.worker.layers import enclosure
tries(lambda: enclosure.libc.prctl(4, 1))
""",
    "23 map memory that can be run": """
import mmap
tries(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
      lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_EXEC),
      lambda: mmap.mmap(os.open(os.__file__, os.O_RDONLY), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC))
""",
    "24 load a shared object": """
import importlib.machinery, importlib.util, sysconfig, glob
def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path, loader=importlib.machinery.ExtensionFileLoader(name, path))
    return importlib.util.module_from_spec(spec)
site = sysconfig.get_paths()["purelib"]
tries(lambda: open("/tmp/evil.so", "wb"), lambda: load("/tmp/evil.so", "evil"),
      lambda: load(next(iter(glob.glob(site + "/_cffi_backend*.so"))), "_cffi_backend"),
      lambda: load(next(iter(glob.glob(site + "/PySide6/QtCore*.so"))), "QtCore"),
      lambda: sys.modules["posix"].__loader__.load_module("_ctypes_test"))
""",
    "24 import native packages of the runtime": """
def load(name):
    import importlib
    module = importlib.import_module(name)
    return HELD if not getattr(module, "__file__", "") .endswith(".so") else module
tries(*(lambda name=name: load(name) for name in ("_cffi_backend", "psycopg_binary._psycopg", "cryptography.hazmat.bindings._rust", "PySide6.QtCore")))
""",
    "67 walk objects and frames for what the host keeps": """
import gc
words = ("planted" "-token", "planted" "-secret")
def walk():
    seen = [one for one in gc.get_objects() if any(word in repr(one)[:10000] for word in words) and one is not words]
    frame = sys._getframe()
    while frame:
        seen += [name for name, value in frame.f_locals.items() if isinstance(value, str) and any(word in value for word in words) and "def walk" not in value]
        frame = frame.f_back
    return [one for one in seen if "walk" not in repr(one)] or HELD
tries(walk)
""",
    "68 read the own memory through /proc": """
tries(lambda: open("/proc/self/mem", "rb"), lambda: first_line("/proc/self/maps"), lambda: os.listdir("/proc/self/fd"),
      lambda: first_line("/proc/thread-self/status"))
""",
    "69 make a native pointer from pure Python": """
import mmap
area = mmap.mmap(-1, 4096)
area.write(b"\\x90" * 16 + b"\\xc3")
tries(lambda: area.protect if hasattr(area, "protect") else HELD, lambda: area.madvise(mmap.MADV_DONTNEED) or HELD)
""",
    "72 import modules that look forbidden": """
import importlib
for name in ("os", "socket", "subprocess", "multiprocessing", "signal", "mmap", "resource", "fcntl", "gc", "threading", "pty", "_posixsubprocess"):
    importlib.import_module(name)
print("held: they import, and what they would do is refused")
tries(os.fork)
""",
}
