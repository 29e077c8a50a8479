"""A large file whose transfer is killed half way, and gone on with by the next run.

Kept apart from `run` because it looks into the request log while lsync is at work.
"""

import os
import re
import signal
import subprocess
import time

import abilities

PART_BYTES = 5 << 20
PARTS, PARTS_LONG = 8, 20
STORED_BEFORE_KILL = 3
NAME = "large/film.bin"
# Slow enough to be killed half way, one part after the other.
ARGUMENTS = ["sync", "--jobs", "1", "--part-size", "5MiB"]
SLOWLY = ["--bwlimit", "15MiB"]
SECONDS_MAX = 120


def transfers(lines, way):
    """Returns the requests among these that carried contents of the file."""
    name = r"/\S*large/film\.bin"
    wanted = rf"PUT {name}\?\S*partNumber=" if way == "up" else rf"GET {name}(\?|$)"
    return [line for line in lines if re.match(wanted, line) and "uploads" not in line
            and ("uploadId" in line) == (way == "up")]


def kill_half_way(server, copy, binary, way):
    """Starts a run and kills it when the log shows that some parts have travelled."""
    begin = server.logged()
    process = subprocess.Popen([binary, *ARGUMENTS, *SLOWLY], cwd=copy.root, env=copy.environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + SECONDS_MAX
    while len(transfers(server.lines(begin), way)) < STORED_BEFORE_KILL:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise TimeoutError(f"the run was not half way {way} when it ended: {process.returncode}")
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def check(suite, server, copies, binary):
    """Kills an upload and a download; the next runs repeat at most what was under way."""
    ours, theirs = copies
    parts = PARTS_LONG if suite.long else PARTS
    content = b"".join(os.urandom(PART_BYTES) for _ in range(parts - 1)) + b"the end"
    ours.path(NAME).parent.mkdir()
    ours.path(NAME).write_bytes(content)
    kill_half_way(server, ours, binary, "up")
    said, lines = server.requests(lambda: ours.lsync(*ARGUMENTS))
    sent = len(transfers(lines, "up"))
    if suite.store == "moto":
        suite.check("a killed upload starts over, because moto cannot list parts, and lsync says so",
                    sent == parts and "its upload starts over" in said, f"{sent} parts\n{said}")
    else:
        suite.check(f"a killed upload is gone on with: {sent} of {parts} parts are sent",
                    0 < sent <= parts - STORED_BEFORE_KILL + 1, said)
    kill_half_way(server, theirs, binary, "down")
    said, lines = server.requests(lambda: theirs.lsync(*ARGUMENTS))
    fetched = len(transfers(lines, "down"))
    suite.check(f"a killed download is gone on with: {fetched} of {parts} ranges are fetched",
                0 < fetched <= parts - STORED_BEFORE_KILL + 1, said)
    suite.check("the file arrives in every byte", theirs.path(NAME).read_bytes() == content)
    renamed = "large/é +%2F.bin"
    ours.path(NAME).rename(ours.path(renamed))
    said = ours.lsync("sync")
    if suite.store in abilities.SEND_RENAMED:
        suite.check("a renamed file is sent again", "all of it sent" in said, said)
    else:
        suite.check("a renamed file is copied in the bucket",
                    "1 moved in the bucket" in said and "sent" not in said, said)
    theirs.lsync("sync")
    suite.check("the copy holds every byte", theirs.path(renamed).read_bytes() == content)
    ours.path(renamed).unlink()
    ours.lsync("sync")
    theirs.lsync("sync")
