"""What the benchmarks share: the builds, the test server on a core of its own, and what a process costs."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or TOP / "target").resolve()
BUCKET = "lsync-benchmark"
CLIENT_CORE, SERVER_CORE = 0, 1
SECONDS_MAX = 3600
BLOCK_BYTES = 1 << 20
MANY = 100
# Less than ext4 allows (65,000).
LINKS_MAX = 50_000
# A tmpfs takes less.
BYTES_AN_EMPTY_FILE = 1_024
# CPU in seconds and MB, for a million files.
BUDGETS_OF_A_MILLION = {"nothing to do": (6.0, 64), "push --no-list, one edit": (2.5, 64)}
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

# A child counts the memory of the process that has forked it as its own: a small one does it.
LAUNCHER = """
import os, sys, time
core, report, *command = sys.argv[1:]
begun = time.monotonic()
child = os.fork()
if child == 0:
    os.sched_setaffinity(0, {int(core)})
    try:
        os.execvp(command[0], command)
    finally:
        os._exit(127)
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - begun
with open(report, "w") as file:
    file.write(f"[{usage.ru_utime + usage.ru_stime}, {usage.ru_maxrss << 10}, {wall}]")
sys.exit(os.waitstatus_to_exitcode(status) & 255)
"""


class Failed(Exception):
    """A run that did not do what it was measured for."""


@dataclasses.dataclass
class Cost:
    """What a whole process took: seconds of CPU (user and system), peak bytes of memory, seconds."""

    cpu: float
    memory: int
    wall: float


def size(text):
    """Reads `4KiB`, `1GiB`, `100`."""
    found = re.fullmatch(r"(\d+)([KMG]iB)?", text)
    if not found:
        raise ValueError(f"{text} is no size")
    return int(found[1]) * UNITS[found[2] or ""]


class Shape:
    """So many files of one size, as 4x256MiB."""

    def __init__(self, text):
        count, _, size_ = text.partition("x")
        self.count, self.size = int(count), size(size_)
        self.name = f"{self.count:,} × " + re.sub(r"(\d)(\D)", r"\1 \2", size_)

    @property
    def bytes(self):
        return self.count * self.size

    @property
    def is_many(self):
        """Tells whether objects count, and not bytes."""
        return self.count >= MANY


def build():
    """Builds lsync and the test server in release, and returns where both are."""
    done = subprocess.run(
        ["cargo", "test", "--release", "--locked", "--no-run", "--test", "s3_server",
         "--message-format=json-render-diagnostics"],
        cwd=TOP, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    found = {}
    for message in map(json.loads, done.stdout.splitlines()):
        if message.get("executable"):
            found[message["target"]["name"]] = message["executable"]
    return found["lsync"], found["s3_server"]


class Server:
    """The server of tests/support in a process of its own, with an empty bucket, pinned to its core."""

    def __init__(self, executable, **limits):
        self.executable, self.limits = executable, limits

    def __enter__(self):
        environment = {**os.environ, "LSYNC_PROFILE": "aws", "SERVER_BUCKET": BUCKET}
        environment |= {name: str(value) for name, value in self.limits.items()}
        self.process = subprocess.Popen(
            [self.executable, "--ignored", "--exact", "--nocapture",
             "serves_until_its_stdin_ends"],
            cwd=TOP, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        os.sched_setaffinity(self.process.pid, {SERVER_CORE})
        self.variables = {}
        for line in self.process.stdout:
            if found := re.search(r"\b([A-Z]\w+)=(\S+)", line):
                self.variables[found[1]] = found[2]
            if "SSL_CERT_FILE" in self.variables:
                return self
        raise Failed("the test server did not start")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def cpu(self):
        """Returns seconds of CPU, user and system, that the server has used."""
        text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def report(self):
        """Returns what the bucket holds, and the requests and ticks since the last report."""
        print(file=self.process.stdin, flush=True)
        report = Report()
        for line in self.process.stdout:
            match line.split():
                case ["objects", count, size_]:
                    report.objects, report.size = int(count), int(size_)
                case ["requests", operation, count]:
                    report.requests[operation] = int(count)
                case ["tick", *numbers]:
                    report.ticks.append(Tick(*map(int, numbers)))
                case ["end"]:
                    return report
        raise Failed("the test server has ended")


@dataclasses.dataclass
class Tick:
    """What the server counted in a tenth of a second (tests/support/traffic.rs)."""

    arrived: int
    answered: int
    refused: int
    bytes_in: int
    bytes_out: int


@dataclasses.dataclass
class Report:
    """What the server tells."""

    objects: int = 0
    size: int = 0
    requests: dict = dataclasses.field(default_factory=dict)
    ticks: list = dataclasses.field(default_factory=list)


def environment(server, home):
    """Returns the environment of a client that reaches the server and nothing else."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("AWS_", "JFS_", "LSYNC_", "MINIO_", "RCLONE_", "S3_"))}
    return {**kept, **server.variables, "HOME": str(home)}


def measure(command, environment, folder=None):
    """Runs a command on the core of the clients and returns its cost."""
    with tempfile.NamedTemporaryFile("r", prefix="lsync-bench-") as report:
        words = [sys.executable, "-I", "-S", "-c", LAUNCHER, CLIENT_CORE, report.name, *command]
        done = subprocess.run(
            [str(word) for word in words], env=environment, cwd=folder, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=SECONDS_MAX)
        if done.returncode != 0:
            raise Failed(f"{' '.join(map(str, command))}\n  exit code {done.returncode}\n"
                         f"{done.stdout[-2000:]}")
        cpu, memory, wall = json.load(report)
    return Cost(cpu, memory, wall)


def launcher_memory():
    """Returns the least memory that can be measured, in bytes: a new program keeps the peak of the
    process that has become it."""
    return measure(["true"], dict(os.environ)).memory


def observe(server, command, environment):
    """Runs a command against the server; returns its cost, the CPU of the server, and its report."""
    server.report()
    busy = server.cpu()
    cost = measure(command, environment)
    busy = server.cpu() - busy
    return cost, busy, server.report()


def kept(root):
    """Returns size and mtime of what lsync keeps, by name, but for the lock with its pid and tmp/."""
    found = [path for path in (root / ".lsync").iterdir() if path.name not in ("lock", "tmp")]
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def available_bytes():
    """Returns the memory that can be had without swapping."""
    text = pathlib.Path("/proc/meminfo").read_text()
    return int(re.search(r"MemAvailable:\s+(\d+)", text)[1]) << 10


@contextlib.contextmanager
def work_folder(space, beside=0, files=0):
    """Makes a folder, in memory if `space` bytes and `files` names are to be had there, and `beside` bytes
    for the server and a reserve besides."""
    memory = pathlib.Path("/dev/shm")
    fits = memory.is_dir() and available_bytes() > space + beside + (3 << 30)
    if fits:
        free = os.statvfs(memory)
        # Where names are not limited, there are none in all.
        fits = (free.f_bavail * free.f_frsize > space
                and (not free.f_files or free.f_favail > files))
    place = memory if fits else None
    with tempfile.TemporaryDirectory(prefix="lsync-bench-", dir=place) as folder:
        yield pathlib.Path(folder).resolve()


def touch_memory(folder, bytes_):
    """Takes memory, writes to it and gives it back: a virtual machine's host may have to provide it
    first, which would be counted as the time of whoever comes first."""
    path = folder / "touched"
    try:
        with open(path, "wb") as file:
            for _ in range(0, bytes_, BLOCK_BYTES):
                file.write(bytes(BLOCK_BYTES))
    finally:
        path.unlink()


def make_tree(root, count, bytes_):
    """Writes `count` files of random bytes, a hundred in a folder."""
    for number in range(count):
        path = root / f"folder-{number // 100:04}" / f"file-{number:06}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            for begin in range(0, bytes_, BLOCK_BYTES):
                file.write(os.urandom(min(BLOCK_BYTES, bytes_ - begin)))


def paths(keys):
    """Returns the paths of PATTERN:COUNT+PATTERN:COUNT…: the digits of a number, from left to right,
    stand in the places of the stars. The server understands SERVER_KEYS in the same way."""
    for some in keys.split("+"):
        pattern, _, count = some.rpartition(":")
        width = pattern.count("*")
        parts = pattern.split("*")
        for number in range(int(count)):
            digits = f"{number:0{width}}"
            yield "".join(part + digit for part, digit in zip(parts, digits)) + parts[-1]


def count(keys):
    """Returns how many paths there are."""
    return sum(int(some.rpartition(":")[2]) for some in keys.split("+"))


def make_empty_files(root, keys, links=False):
    """Makes an empty file at each path; with `links`, 50,000 each are one."""
    made, first = set(), None
    for number, path in enumerate(paths(keys)):
        folder = os.path.dirname(path)
        if folder not in made:
            os.makedirs(root / folder, exist_ok=True)
            made.add(folder)
        if links and number % LINKS_MAX:
            os.link(first, f"{root}/{path}")
        else:
            first = f"{root}/{path}"
            os.close(os.open(first, os.O_CREAT | os.O_WRONLY))


def write_rows(server, root, keys):
    """Writes the database that a first run over empty files would have left; `keys` are in order."""
    endpoint = server.variables["AWS_ENDPOINT_URL"]
    with open(root / ".lsync" / "database.yaml", "w", encoding="utf-8") as rows:
        rows.write(f'- {{lsync: 2, remote: "s3://{BUCKET}", endpoint: "{endpoint}"}}\n')
        for path in paths(keys):
            # Each link has changed the ctime of all.
            stat = os.lstat(f"{root}/{path}")
            rows.write(f'- {{path: "{path}", size: 0, mtime: {stat.st_mtime_ns}, ctime: '
                       f'{stat.st_ctime_ns}, inode: {stat.st_ino}, version: "{EMPTY_MD5}", '
                       'md5: version}\n')


def files(root):
    """Returns the paths of all files below a folder, relative to it, but for lsync's own."""
    found = set()
    for folder, folders, names in os.walk(root):
        if pathlib.Path(folder) == root and ".lsync" in folders:
            folders.remove(".lsync")
        found |= {pathlib.Path(folder, name).relative_to(root) for name in names}
    return found


def expect_same(ours, theirs):
    """Fails unless two trees hold the same files with the same bytes."""
    if files(ours) != files(theirs):
        raise Failed(f"{len(files(theirs))} files came, {len(files(ours))} were sent")
    for name in files(ours):
        with open(ours / name, "rb") as a, open(theirs / name, "rb") as b:
            while block := a.read(BLOCK_BYTES):
                if block != b.read(BLOCK_BYTES):
                    raise Failed(f"{name} came with other bytes")
            if b.read(1):
                raise Failed(f"{name} came with more bytes")


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)


def machine():
    """Returns what the machine is, in words."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*:\s*(.+)", text)
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    return f"{os.cpu_count()} × {name[1] if name else 'CPU'}, {memory >> 20} GiB, Linux"


def load():
    """Returns the load averages, in words: other work on the machine disturbs what is measured."""
    return "load average " + ", ".join(f"{value:.1f}" for value in os.getloadavg())
