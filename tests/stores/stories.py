"""Short stories of two working copies, each below a prefix of its own: shapes, deletions, tools, names."""

import concurrent.futures
import shutil
import time

import abilities

DELETED, DELETED_LONG = 150, 1200
TOOL_FILES, TOOL_ROUNDS, TOOL_ROUNDS_LONG = 40, 10, 100
# Stores that keep an empty folder for a while, beside which a new file of its name is refused.
KEEPS_FOLDERS = {"seaweedfs"}
KEPT_FOLDER_SECONDS_MAX = 300
# Names that a store turns into others, in silence; it takes none of them from lsync.
TURNED = {"seaweedfs": {"back\\slash": "back/slash"}}


def meet(suite, what, ours, theirs, digest, difference):
    """Brings both sides together, and checks that they are equal and have no more to do."""
    for copy in (ours, theirs, ours):
        patiently(suite, copy)
    a, b = digest(ours.root), digest(theirs.root)
    suite.check(what, a == b, difference(a, b))
    return a


def patiently(suite, copy):
    """Syncs, again and again where the store still keeps folders that are empty."""
    deadline = time.monotonic() + KEPT_FOLDER_SECONDS_MAX
    while True:
        process = copy.start("sync", "--max-delete", "100%")
        said = process.communicate()[0]
        is_kept = suite.store in KEEPS_FOLDERS and "still keeps the folder of this name" in said
        if process.returncode == 0 or not is_kept or time.monotonic() > deadline:
            if process.returncode != 0:
                suite.check("a sync ends well", False, said)
            return
        time.sleep(5)


def shapes(suite, tools, ours, theirs):
    """Files become folders and folders files, back and forth, small ones and large ones."""
    large = b"a large file\n" * (1 << 20)
    steps = [
        {"now a file/below/one.txt": b"1", "now a file/two.txt": b"2", "now a folder": b"3",
         "now large/below.txt": b"4"},
        {"now a file": b"5", "now a folder/below/one.txt": b"6", "now a folder/two.txt": b"7",
         "now large": large},
        {"now a file/below/one.txt": b"8", "now a folder": b"9", "now large/below.txt": b"10"},
    ]
    for number, step in enumerate(steps):
        for name in {name.split("/")[0] for name in step}:
            path = ours.path(name)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for name, content in step.items():
            ours.path(name).parent.mkdir(parents=True, exist_ok=True)
            ours.path(name).write_bytes(content)
        if number > 0 and suite.store in KEEPS_FOLDERS and not suite.long:
            # The rest waits for folders that stay for minutes.
            said = ours.lsync("sync", "--max-delete", "100%", expect=3)
            suite.check("a file for which the store still keeps a folder is told of, and stays",
                        "still keeps the folder of this name" in said
                        and ours.path("now a file").read_bytes() == b"5", said)
            return
        tree = meet(suite, f"files and folders change places: step {number}", ours, theirs,
                    tools.digest, tools.difference)
        suite.check("and each is what it was made",
                    tree.keys() == step.keys() and set(tools.keys()) == step.keys(), str(tools.keys()))


def deletions(suite, tools, ours, theirs):
    """Many files go here and there, and those that one side has edited stay."""
    count = DELETED_LONG if suite.long else DELETED
    names = [f"a folder/{number % 7}/{number:04}.txt" for number in range(count)]
    for name in names:
        ours.write(name, f"{name}\n")
    meet(suite, f"{count} files arrive", ours, theirs, tools.digest, tools.difference)
    edited = names[count // 3]
    theirs.append(edited, "edited by the teammate\n")
    theirs.lsync("sync")
    shutil.rmtree(ours.path("a folder"))
    ours.write("left.txt", "left\n")
    ours.lsync("sync", "--max-delete", str(count), expect=4)
    ours.lsync("resolve", "--theirs", edited)
    said = theirs.lsync("sync", "--max-delete", str(count))
    tree = meet(suite, f"{count - 1} of them go on both sides", ours, theirs, tools.digest,
                tools.difference)
    suite.check("and the one that the teammate has edited stays",
                tree.keys() == {edited, "left.txt"} == set(tools.keys()), str(tree.keys()))
    kept = theirs.lsync("trash", "list")
    suite.check("what went on the other side lies in its trash",
                all(name in kept for name in names if name != edited), said)


def another_tool(suite, tools, ours, theirs):
    """Another tool writes the files that lsync is just deleting; none of its writes may be lost."""
    names = [f"beside/{number:02}.txt" for number in range(TOOL_FILES)]
    lost, rounds = [], TOOL_ROUNDS_LONG if suite.long else TOOL_ROUNDS
    met = 0
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for number in range(rounds):
            for name in names:
                ours.write(name, f"{name} of round {number}\n")
            ours.write("stays.txt", f"{number}\n")
            ours.lsync("sync")
            shutil.rmtree(ours.path("beside"))
            process = ours.start("push", "--no-list", "--max-delete", str(TOOL_FILES))
            content = f"the tool in round {number}\n".encode()
            # From the last to the first, so that the two meet.
            list(pool.map(lambda name: tools.put(name, content), reversed(names)))
            said = process.communicate()[0]
            if process.returncode not in (0, 3):
                suite.check("lsync deletes beside the tool", False, said)
            met += process.returncode == 3
            lost += [name for name in names if tools.get(name) != content]
            # The next round begins with what the tool has left.
            tools.delete(names)
            theirs.lsync("sync", "--max-delete", str(TOOL_FILES))
            ours.lsync("sync", "--max-delete", str(TOOL_FILES))
    suite.check(f"none of {rounds * TOOL_FILES} writes of another tool is lost to a deletion beside it "
                f"(they met in {met} of {rounds} rounds)", not lost, f"  {len(lost)} lost: {lost[:5]}")


def turned_names(suite, tools, ours, theirs):
    """A name that the store would turn into another one is told of, and nothing moves."""
    for name, other in TURNED[suite.store].items():
        ours.path(name).write_text("ours\n")
        ours.write("plain.txt", "plain\n")
        for number in range(2):
            said = ours.lsync("sync", expect=3)
            suite.check(f"{name!r} is told of, stays, and comes back under no other name",
                        ours.path(name).is_file() and not ours.path(other).exists(), said)
        theirs.lsync("sync")
        suite.check("the bucket and the teammate have neither name",
                    tools.keys() == {"plain.txt"} == tools.digest(theirs.root).keys(),
                    str(tools.keys()))


def of(store):
    """Returns the stories of a store, each with its name."""
    told = {"shapes": shapes, "deletions": deletions}
    if abilities.can(store, "conditional_delete"):
        told["another-tool"] = another_tool
    if store in TURNED:
        told["turned-names"] = turned_names
    return told
