"""What benches/peers lets each tool do: steps with what they took, and what lsync may take for them."""

import collections
import json
import os
import re
import subprocess
import time

import bench
import clients

Sample = collections.namedtuple("Sample", "cost requests server_cpu")
# CPU as the workload's unit says, and MB of memory.
Budget = collections.namedtuple("Budget", "cpu memory")

PAGE_KEYS = 1000


class Steps:
    """The steps of one tool: each is measured, and its requests are counted."""

    def __init__(self, tool, server, folder, touched):
        self.tool, self.server, self.folder, self.touched = tool, server, folder, touched
        self.environment = bench.environment(server, folder) | tool.variables(server)
        self.samples = {}

    def step(self, name, command):
        """Runs and measures a command; returns what the server reports."""
        bench.touch_memory(self.folder, self.touched)
        cost, busy, report = bench.observe(self.server, command, self.environment)
        self.samples[name] = Sample(cost, sum(report.requests.values()), busy)
        return report

    def expect(self, holds, name, report):
        if not holds:
            raise bench.Failed(f"{self.tool.name}: {name}: {report.requests}, and the bucket holds "
                               f"{report.objects} objects of {report.size} bytes")


class Workload:
    """What all of them have."""

    # How CPU is shown.
    unit = "s"

    def in_units(self, cpu):
        return cpu

    def budget(self, step):
        """Returns what lsync may take for a step, `None` where nothing is laid down."""
        return None

    def tools(self, tools):
        """Returns all that are measured."""
        return tools


class Transfer(Workload):
    """Files of random bytes: pushed into an empty bucket and pulled into an empty folder."""

    def __init__(self, text):
        self.shape = bench.Shape(text)
        self.name = self.shape.name
        self.unit = "ms an object" if self.shape.is_many else "s a GiB"

    def in_units(self, cpu):
        shape = self.shape
        return cpu * 1000 / shape.count if shape.is_many else cpu * (1 << 30) / shape.bytes

    def budget(self, step):
        if self.shape.is_many:
            return {"push": Budget(0.15, 48), "pull": Budget(0.18, 48)}.get(step)
        return {"push": Budget(1.0, 96), "pull": Budget(0.8, 96)}.get(step)

    def folder(self):
        """Returns a folder for the tree and its copy; the server holds an object, and its parts at first."""
        return bench.work_folder(self.shape.bytes + self.touched(), beside=self.shape.bytes)

    def touched(self):
        return self.shape.bytes + (512 << 20)

    def prepare(self, folder):
        bench.make_tree(folder / "source", self.shape.count, self.shape.size)

    def run(self, tool, folder, server_binary):
        """Lets one tool push, push again and pull; returns a sample for each step."""
        shape, source, target = self.shape, folder / "source", folder / "pulled"
        with bench.Server(server_binary) as server:
            steps = Steps(tool, server, folder, self.touched())

            def step(name, command):
                report = steps.step(name, command)
                is_there = (report.objects, report.size) == (shape.count, shape.bytes)
                steps.expect(is_there, name, report)

            try:
                tool.prepare(source, steps.environment)
                step("push", tool.push(source, server))
                if shape.is_many:
                    step("push, nothing to do", tool.push(source, server))
                step("pull", tool.pull(target, server))
                bench.expect_same(source, target)
            finally:
                bench.remove(target)
                bench.remove(source / ".lsync")
        return steps.samples


class SecondRun(Workload):
    """So many empty files, a thousand in a folder, that the bucket holds already."""

    def __init__(self, count):
        self.count = count
        self.name = f"{count:,} empty files"
        # From left to right the digits of a number, the last three of them within a folder.
        self.keys = f"folder-{'*' * max(len(str(count - 1)) - 3, 1)}/file-***:{count}"

    def budget(self, step):
        return Budget(*bench.BUDGETS_OF_A_MILLION[step]) if self.count == 1_000_000 else None

    def tools(self, tools):
        """Returns all that are measured: `find` looks at every file, too."""
        return [*tools, clients.Tool("find", "find")]

    def folder(self):
        space = self.count * bench.BYTES_AN_EMPTY_FILE + self.touched()
        return bench.work_folder(space, files=self.count)

    def touched(self):
        """Returns as much memory as the hungriest of them takes."""
        return self.count * 2500

    def prepare(self, folder):
        """Makes the files, older than what the server will hold: s5cmd and aws send what is newer."""
        source, past = folder / "source", time.time() - 3600
        bench.make_empty_files(source, self.keys)
        for path in bench.paths(self.keys):
            os.utime(source / path, (past, past))

    def run(self, tool, folder, server_binary):
        """Lets a tool find nothing to do, and lsync push one edit without a listing."""
        source = folder / "source"
        with bench.Server(server_binary, SERVER_KEYS=self.keys) as server:
            steps = Steps(tool, server, folder, self.touched())
            if tool.name == "find":
                steps.step("push --no-list, one edit", tool.scan(source))
                return steps.samples
            try:
                tool.prepare(source, steps.environment)
                if tool.name == "lsync":
                    self.run_lsync(tool, source, steps)
                else:
                    report = steps.step("nothing to do", tool.second_push(source, server))
                    steps.expect("PutObject" not in report.requests, "nothing to do", report)
            finally:
                bench.remove(source / ".lsync")
        return steps.samples

    def run_lsync(self, tool, source, steps):
        bench.write_rows(steps.server, source, self.keys)
        before = bench.kept(source)
        report = steps.step("nothing to do", tool.second_push(source, steps.server))
        pages = {"ListObjectsV2": -(-self.count // PAGE_KEYS)}
        steps.expect(report.requests == pages, "nothing to do", report)
        steps.expect(bench.kept(source) == before, "nothing to do, and something written", report)
        edited = source / next(bench.paths(self.keys))
        stat = os.stat(edited)
        edited.write_text("one edit")
        try:
            report = steps.step("push --no-list, one edit", tool.push(source, steps.server) + ["--no-list"])
            one = {"PutObject": 1}
            steps.expect(report.requests == one, "push --no-list, one edit", report)
        finally:
            edited.write_text("")
            os.utime(edited, ns=(stat.st_atime_ns, stat.st_mtime_ns))


class Start(Workload):
    """What a command takes that has nothing to do at all."""

    name = ""
    unit = "ms"

    def in_units(self, cpu):
        return cpu * 1000

    def budget(self, step):
        return Budget(15, None)

    def folder(self):
        return bench.work_folder(1 << 27)

    def prepare(self, folder):
        (folder / "source").mkdir()

    def run(self, tool, folder, server_binary):
        """Lets a tool show its help, and lsync an empty repository."""
        source = folder / "source"
        with bench.Server(server_binary) as server:
            steps = Steps(tool, server, folder, 64 << 20)
            steps.step("help", tool.help())
            if tool.name == "lsync":
                try:
                    tool.prepare(source, steps.environment)
                    report = steps.step("status of an empty repository", tool.status(source))
                    one = {"ListObjectsV2": 1}
                    steps.expect(report.requests == one, "status of an empty repository", report)
                finally:
                    bench.remove(source / ".lsync")
        return steps.samples


def workload(text):
    """Reads 4x256MiB, 1000000x0 (a second run) or start."""
    if text == "start":
        return Start()
    if found := re.fullmatch(r"([1-9]\d*)x0", text):
        return SecondRun(int(found[1]))
    return Transfer(text)


# What cargo bench measures within the process: the name that criterion has for it, the most that it
# may take in milliseconds, and what it is.
PARTS = [
    ("database of a million rows/open and read every row", 400, "1,000,000 rows are read"),
    ("database of a million rows/record 100 changes", 5, "100 changes among them are recorded"),
]


def parts():
    """Measures the parts with a budget of their own, on the core of the clients; returns a Markdown
    table."""
    lines = [f"\n**parts of lsync, the database** ({bench.load()})\n",
             "| | median, ms | budget, ms | |", "|---|---|---|---|"]
    command = ["cargo", "bench", "--locked", "--bench", "micro", "--"]
    subprocess.run([*command, "--list"], cwd=bench.TOP, check=True, stdout=subprocess.DEVNULL)
    for name, most, what in PARTS:
        subprocess.run(["taskset", "-c", str(bench.CLIENT_CORE), *command, "--noplot", "--exact", name],
                       cwd=bench.TOP, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        path = bench.TARGET / "criterion" / name / "new" / "estimates.json"
        found = json.loads(path.read_text())["median"]["point_estimate"] / 1e6
        lines.append(f"| {what} | {found:.2f} | {most} | {'met' if found <= most else 'missed'} |")
    return "\n".join(lines)
