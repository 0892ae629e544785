"""Sockets, descriptors, and requests through the host."""

ATTEMPTS = {
    "26 connect to a service of this machine": """
import socket
tries(lambda: socket.create_connection(("127.0.0.1", PLANTED["tcp_port"]), 2), lambda: socket.create_connection(("::1", PLANTED["tcp_port"]), 2),
      lambda: socket.socket().connect_ex(("127.0.0.1", PLANTED["tcp_port"])))
""",
    "27 send a datagram": """
import socket
tries(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", PLANTED["udp_port"])),
      lambda: socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG) and HELD,
      lambda: socket.gethostbyname("example.com"))
""",
    "28 raw, netlink, packet, vsock, bluetooth and other families": """
import socket
for family in (2, 10, 16, 17, 38, 40, 31, 30, 44, 29, 9, 15):
    for kind in (1, 2, 3, 5):
        tries(lambda: socket.socket(family, kind, 0))
""",
    "29 connect to a socket file": """
import socket
tries(lambda: socket.socket(socket.AF_UNIX).connect(PLANTED["unix_path"]),
      lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"x", PLANTED["unix_path"]),
      lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET),
      lambda: socket.socketpair()[0].sendto(b"x", PLANTED["unix_path"]))
""",
    "30 connect to an abstract socket": """
import socket
name = "\\0" + PLANTED["abstract"]
tries(lambda: socket.socket(socket.AF_UNIX).connect(name), lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"x", name),
      lambda: socket.socketpair()[0].sendmsg([b"x"], [], 0, name), lambda: socket.socketpair()[0].connect(name))
""",
    "31 listen": """
import socket
tries(lambda: socket.create_server(("127.0.0.1", 0)), lambda: socket.socketpair()[0].bind("\\0circuit-evil"),
      lambda: socket.socketpair()[0].listen(1), lambda: socket.socketpair()[0].accept())
""",
    "32 reach private addresses through the host": """
from circuitos import CircuitHTTP
for url in (f"http://127.0.0.1:{PLANTED['tcp_port']}/", "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://localhost/",
            "https://allowed.invalid@127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://0x7f000001/"):
    tries(lambda: CircuitHTTP.get(url, timeout_s=2))
""",
    "33 pass a descriptor over the wire": """
import array, socket
wire = socket.socket(fileno=os.dup(3))
tries(lambda: wire.sendmsg([b"\\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))]),
      lambda: socket.send_fds(socket.socketpair()[0], [b"x"], [0]), lambda: socket.recv_fds(socket.socketpair()[0], 1, 1))
""",
    "34 use inherited descriptors": """
null = os.stat("/dev/null").st_rdev
open_ones = []
for number in range(1024):
    try:
        if os.fstat(number).st_rdev != null:
            open_ones.append(number)
    except OSError:
        pass
tries(lambda: [number for number in open_ones if number not in (3, 4, 5)] or HELD,
      lambda: os.read(4, 1) and HELD, lambda: os.listdir(3), lambda: os.fchdir(5))
""",
    "network: options that load programs into the kernel": """
import socket
one, two = socket.socketpair()
for option in (26, 50, 51, 52, 12, 15):
    tries(lambda: one.setsockopt(socket.SOL_SOCKET, option, b"\\0" * 16))
""",
    "network: asynchronous libraries": """
import asyncio
async def connect():
    return await asyncio.open_connection("127.0.0.1", PLANTED["tcp_port"])
async def spawn():
    return await asyncio.create_subprocess_exec("/bin/true")
tries(lambda: asyncio.run(connect()), lambda: asyncio.run(spawn()))
import urllib.request, http.client, smtplib
tries(lambda: urllib.request.urlopen(f"http://127.0.0.1:{PLANTED['tcp_port']}/", timeout=2),
      lambda: urllib.request.urlopen("file:///etc/passwd").read(), lambda: smtplib.SMTP("127.0.0.1", PLANTED["tcp_port"], timeout=2))
""",
    "network: terminals and other controls of descriptors": """
import fcntl, termios
tries(lambda: fcntl.ioctl(0, termios.TIOCSTI, b"x"), lambda: fcntl.ioctl(3, 0x8933, b"\\0" * 40), lambda: os.openpty(), lambda: fcntl.ioctl(3, 0x8901, b"\\0" * 8))
""",
}
