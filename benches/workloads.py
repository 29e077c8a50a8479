"""What benches/peers lets each tool do: steps with what they took, and what lsync may take for them."""

import collections
import json
import os
import re
import subprocess
import time

import bench

Sample = collections.namedtuple("Sample", "cost requests server_cpu")
# CPU as the unit says, and MB of memory.
Budget = collections.namedtuple("Budget", "cpu memory")

MILLION = 1_000_000


class Transfer:
    """Files of random bytes: pushed into an empty bucket and pulled into an empty folder."""

    def __init__(self, text):
        self.shape = bench.Shape(text)
        self.name = self.shape.name
        self.unit = "ms an object" if self.shape.is_many else "s a GiB"

    def budget(self, step):
        if self.shape.is_many:
            return {"push": Budget(0.15, 48), "pull": Budget(0.18, 48)}.get(step)
        return {"push": Budget(1.0, 96), "pull": Budget(0.8, 96)}.get(step)

    def in_units(self, cpu):
        """Returns CPU a GiB in seconds, or an object in milliseconds."""
        shape = self.shape
        return cpu * 1000 / shape.count if shape.is_many else cpu * (1 << 30) / shape.bytes

    def tools(self, tools):
        return tools

    def folder(self):
        """Returns a folder for everything: the tree, and in the server the object beside its parts."""
        return bench.work_folder(3 * self.shape.bytes)

    def prepare(self, folder):
        bench.make_tree(folder / "source", self.shape.count, self.shape.size)

    def run(self, tool, folder, server_binary):
        """Lets one tool push, push again and pull; returns a sample for each step."""
        shape, samples = self.shape, {}
        source, target = folder / "source", folder / "pulled"
        with bench.Server(server_binary) as server:
            environment = bench.environment(server, folder) | tool.variables(server)

            def step(name, command):
                bench.touch_memory(folder, shape.bytes + (512 << 20))
                cost, busy, report = bench.observe(server, command, environment)
                samples[name] = Sample(cost, sum(report.requests.values()), busy)
                if (report.objects, report.size) != (shape.count, shape.bytes):
                    raise bench.Failed(f"{tool.name}: {name}: the bucket holds {report.objects} "
                                       f"objects of {report.size} bytes")

            try:
                tool.prepare(source, environment)
                step("push", tool.push(source))
                if shape.is_many:
                    step("push, nothing to do", tool.push(source))
                step("pull", tool.pull(target))
                bench.expect_same(source, target)
            finally:
                bench.remove(target)
                bench.remove(source / ".lsync")
        return samples


class SecondRun:
    """So many empty files, a thousand in a folder, that the bucket holds already."""

    unit = "s"

    def __init__(self, count):
        self.count = count
        self.name = f"{count:,} files"
        # From left to right the digits of a number, the last three of them within a folder.
        self.pattern = f"folder-{'*' * max(len(str(count - 1)) - 3, 1)}/file-***"

    def budget(self, step):
        budgets = {"nothing to do": Budget(6.0, 64), "push --no-list, one edit": Budget(2.5, 64)}
        return budgets.get(step) if self.count == MILLION else None

    def in_units(self, cpu):
        return cpu

    def tools(self, tools):
        """Returns all that are measured: `find` scans, too."""
        return [*tools, type(tools[0])("find", "find")]

    def folder(self):
        return bench.work_folder(self.count * 2048, self.count)

    def prepare(self, folder):
        """Makes the files, older than what the server will hold: s5cmd and aws send what is newer."""
        source, past = folder / "source", time.time() - 3600
        bench.make_empty_files(source, self.pattern, self.count)
        for path in bench.paths(self.pattern, self.count):
            os.utime(source / path, (past, past))

    def run(self, tool, folder, server_binary):
        """Lets a tool find nothing to do, and lsync push one edit without a listing."""
        source, samples = folder / "source", {}
        keys = {"SERVER_KEYS": f"{self.pattern}:{self.count}"}
        pages = -(-self.count // 1000)
        with bench.Server(server_binary, **keys) as server:
            environment = bench.environment(server, folder) | tool.variables(server)

            def step(name, command, expected):
                cost, busy, report = bench.observe(server, command, environment)
                samples[name] = Sample(cost, sum(report.requests.values()), busy)
                if report.objects != self.count:
                    raise bench.Failed(f"{tool.name}: {name}: {report.objects} objects")
                if tool.name == "lsync" and report.requests != expected:
                    raise bench.Failed(f"lsync: {name}: {report.requests}, {expected} expected")
                if tool.name != "lsync" and "PutObject" in report.requests:
                    raise bench.Failed(f"{tool.name}: {name}: {report.requests}, nothing was new")

            try:
                if tool.name == "find":
                    # The floor of a scan: every file is looked at once, and none is printed.
                    step("push --no-list, one edit", [tool.binary, source, "-size", "+1G"], {})
                    return samples
                tool.prepare(source, environment)
                if tool.name == "lsync":
                    bench.write_rows(server, source, self.pattern, self.count)
                step("nothing to do", tool.second_push(source), {"ListObjectsV2": pages})
                if tool.name == "lsync":
                    edited = source / next(bench.paths(self.pattern, self.count))
                    before = os.stat(edited)
                    edited.write_text("one edit")
                    step("push --no-list, one edit", tool.push(source) + ["--no-list"],
                         {"PutObject": 1})
                    edited.write_text("")
                    os.utime(edited, ns=(before.st_atime_ns, before.st_mtime_ns))
            finally:
                bench.remove(source / ".lsync")
        return samples


class Start:
    """What a command takes that has nothing to do at all."""

    name = "start"
    unit = "ms"

    def budget(self, step):
        return Budget(15, 96)

    def in_units(self, cpu):
        return cpu * 1000

    def tools(self, tools):
        return tools

    def folder(self):
        return bench.work_folder(1 << 20)

    def prepare(self, folder):
        (folder / "source").mkdir()

    def run(self, tool, folder, server_binary):
        """Lets a tool show its help, and lsync an empty repository."""
        source, samples = folder / "source", {}
        with bench.Server(server_binary) as server:
            environment = bench.environment(server, folder) | tool.variables(server)

            def step(name, command):
                cost, busy, report = bench.observe(server, command, environment)
                samples[name] = Sample(cost, sum(report.requests.values()), busy)

            step("help", tool.help())
            if tool.name == "lsync":
                tool.prepare(source, environment)
                step("status, empty", [tool.binary, "-C", source, "status"])
                bench.remove(source / ".lsync")
        return samples


def workload(text):
    """Reads 4x256MiB, 1000000x0 (a second run) or start."""
    if text == "start":
        return Start()
    if found := re.fullmatch(r"([1-9]\d*)x0", text):
        return SecondRun(int(found[1]))
    return Transfer(text)


# What cargo bench measures within the process: criterion's folders, the most that it may take in
# milliseconds, and what it is.
PARTS = [
    ("database of a million rows/open and read every row", 400, "a database of 1,000,000 rows is read"),
    ("database of a million rows/record 100 changes", 5, "100 changes among them are recorded"),
]


def parts():
    """Measures the parts with a budget of their own; returns a Markdown table."""
    subprocess.run(["cargo", "bench", "--locked", "--bench", "micro", "--", "--noplot", "database"],
                   cwd=bench.TOP, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    lines = [f"\n**parts of lsync** ({bench.load()})\n", "| | median, ms | budget, ms | |",
             "|---|---|---|---|"]
    for folder, most, what in PARTS:
        path = bench.TARGET / "criterion" / folder / "new" / "estimates.json"
        found = json.loads(path.read_text())["median"]["point_estimate"] / 1e6
        lines.append(f"| {what} | {found:.2f} | {most} | {'met' if found <= most else 'missed'} |")
    return "\n".join(lines)
