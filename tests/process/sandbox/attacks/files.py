"""Files and folders of the host: read, list, change, see."""

ATTEMPTS = {
    "01 open /etc/shadow and /etc/passwd": """
tries(lambda: first_line("/etc/shadow"), lambda: first_line("/etc/passwd"))
""",
    "02 read the owner's private key": """
tries(lambda: first_line(PLANTED["home"] + "/.ssh/id_ed25519"))
""",
    "03 read another tenant's file": """
tries(lambda: first_line(PLANTED["tenant"] + "/secret.txt"))
""",
    "04 follow a symbolic link out of the own project": """
tries(lambda: first_line(PLANTED["project"] + "/link"), lambda: os.readlink(PLANTED["project"] + "/link"))
""",
    "05 climb out of the current and of a readable folder": """
up = "../" * 30
tries(lambda: first_line(up + PLANTED["tenant"] + "/secret.txt"),
      lambda: first_line(os.path.dirname(os.__file__) + "/" + up + PLANTED["tenant"] + "/secret.txt"),
      lambda: os.open(PLANTED["tenant"], os.O_PATH),
      lambda: os.open("secret.txt", os.O_RDONLY, dir_fd=os.open("/", os.O_RDONLY)))
""",
    "06 make links to another tenant's file, then open them": """
folder = os.path.dirname(os.__file__)
for make in (os.symlink, os.link):
    for parent in ("/tmp", "/dev/shm", PLANTED["project"], folder):
        tries(lambda: (make(PLANTED["tenant"] + "/secret.txt", parent + "/l"), first_line(parent + "/l")))
""",
    "07 list the root and home folders": """
tries(*(lambda path=path: os.listdir(path) for path in ("/home", "/root", "/etc", "/tmp", PLANTED["home"])))
""",
    "08 read the first process's environment": """
tries(lambda: first_line("/proc/1/environ"), lambda: first_line("/proc/1/cmdline"), lambda: os.listdir("/proc"))
""",
    "09 read the host's environment": """
tries(lambda: first_line(f"/proc/{PLANTED['host_pid']}/environ"), lambda: os.listdir(f"/proc/{PLANTED['host_pid']}/fd"))
""",
    "10 open the host's memory": """
tries(lambda: open(f"/proc/{PLANTED['host_pid']}/mem", "rb"), lambda: open(f"/proc/{PLANTED['host_pid']}/maps", "rb"))
""",
    "11 find secrets in the own environment": """
import gc
tries(lambda: dict(os.environ) or HELD, lambda: first_line("/proc/self/environ") or HELD,
      lambda: next((one for one in gc.get_objects() if isinstance(one, (str, bytes)) and "planted" "-token" in str(one)), HELD))
""",
    "12 write into the standard library and beside it": """
import sysconfig
folder = os.path.dirname(os.__file__)
tries(lambda: open(folder + "/evil.py", "w"), lambda: open(folder + "/json/__init__.py", "a"),
      lambda: os.mkdir(folder + "/evil"), lambda: open(sysconfig.get_paths()["purelib"] + "/evil.pth", "w"),
      lambda: os.unlink(folder + "/json/__init__.py"), lambda: os.rename(folder + "/json", folder + "/j"))
""",
    "13 overwrite the own deployed source": """
tries(lambda: open(PLANTED["project"] + "/circuit.toml", "a"), lambda: os.truncate(PLANTED["project"] + "/circuit.toml", 0))
""",
    "14 append to the owner's shell start-up file": """
tries(lambda: open(PLANTED["home"] + "/.bashrc", "a"))
""",
    "15 change modes, owners, times and attributes": """
for path in (PLANTED["project"] + "/circuit.toml", os.__file__, "/"):
    tries(lambda: os.chmod(path, 0o777), lambda: os.chown(path, 0, 0), lambda: os.utime(path, (0, 0)),
          lambda: os.setxattr(path, "user.x", b"y"), lambda: os.lchown(path, 0, 0), lambda: os.fchmod(os.open(os.__file__, 0), 0o777))
""",
    "16 see whether a path exists": """
tries(lambda: os.stat(PLANTED["home"]), lambda: os.lstat(PLANTED["tenant"] + "/secret.txt"),
      lambda: os.path.exists("/etc/passwd") or HELD, lambda: os.access("/bin/sh", os.F_OK) or HELD,
      lambda: os.chdir(PLANTED["tenant"]), lambda: os.statvfs(PLANTED["tenant"]))
""",
    "files: open by other doors": """
import sqlite3, io, linecache, tokenize, zipimport, mmap, shutil
secret = PLANTED["tenant"] + "/secret.txt"
tries(lambda: io.FileIO(secret).read(), lambda: io.open_code(secret).read(), lambda: linecache.getline(secret, 1) or HELD,
      lambda: tokenize.open(secret).read(), lambda: os.read(os.open(secret, os.O_RDONLY | os.O_NOFOLLOW), 9),
      lambda: sqlite3.connect(f"file:{secret}?mode=ro", uri=True).execute("select * from sqlite_master").fetchall(),
      lambda: sqlite3.connect("/tmp/evil.db").execute("create table t(a)"),
      lambda: sqlite3.connect(":memory:").execute("ATTACH ? AS x", (PLANTED["tenant"] + "/evil.db",)).execute("create table x.t(a)"),
      lambda: shutil.copy(secret, "/tmp/copy"), lambda: zipimport.zipimporter(secret))
""",
    "files: load by libraries in C": """
import ssl
context = ssl.create_default_context()
tries(lambda: context.load_verify_locations("/etc/ssl/certs/ca-certificates.crt"), lambda: context.load_verify_locations(capath="/etc/ssl/certs") or HELD,
      lambda: context.load_cert_chain(PLANTED["home"] + "/.ssh/id_ed25519"))
""",
    "files: devices": """
tries(*(lambda path=path: os.open(path, os.O_RDWR) for path in ("/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/vda", "/dev/fuse", "/dev/kvm", "/dev/ptmx", "/dev/shm/x")))
""",
}
