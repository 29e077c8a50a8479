"""What each store can do, written down before anybody asks it, and whether `lsync init` says just that."""

import re

# How often each store is asked. What a store does nine times of ten is what the tenth must find out.
INITS, INITS_OF_OTHERS = 10, 3
OFTEN = {"seaweedfs", "swift"}

# The words of `.lsync/config.yaml`. What stands there only where it holds is left out where it does not.
# Measured with requests.py and, for races, many hundred of them, 2026-11.
ABILITIES = {
    "moto": {
        "conditional_put": "atomic", "conditional_complete": "none", "conditional_delete": "atomic",
        "checksum": "crc64nvme",
    },
    "ceph": {
        "conditional_put": "atomic-unquoted", "conditional_complete": "none",
        "conditional_delete": "none", "checksum": "crc64nvme",
    },
    "ministack": {
        "conditional_put": "atomic", "conditional_complete": "atomic",
        "conditional_delete": "atomic", "conditional_delete_many": "atomic", "checksum": "none",
    },
    # Complete is won by several of eight in three races of four, and of twenty keys that are deleted
    # with one request while others write them one is lost in every third request.
    "seaweedfs": {
        "conditional_put": "atomic", "conditional_complete": "none", "conditional_delete": "atomic",
        "checksum": "crc64nvme", "file_beside_folder": "false", "listing_order": "folders",
        "start_after": "false", "changed_names": "backslash",
    },
    # Conditions on writes are refused, on Complete never met, and a conditional deletion beside a
    # write deletes what was written nine times of ten.
    "swift": {
        "conditional_put": "none", "conditional_complete": "none", "conditional_delete": "none",
        "checksum": "none",
    },
}
OF_ALL = {"etag_is_md5": "true", "etag_in_listing": "true", "versioning": "false",
          "file_beside_folder": "true", "read_only": "false"}

GUARDS = {
    "moto": "guards writes and deletions against races, not uploads in parts",
    "ceph": "guards writes against races, not uploads in parts and deletions",
    "ministack": "guards writes, uploads in parts and deletions against races",
    "seaweedfs": "guards writes and deletions against races, not uploads in parts",
    "swift": "guards nothing against races",
}

# Stores that copy what was made in parts under no condition: a large file that is renamed is sent again.
SEND_RENAMED = {"swift"}


def can(store, ability):
    """Tells whether a store compares on a kind of request."""
    return ABILITIES[store].get(ability, "none") != "none"


def found(config):
    """Returns what `init` wrote down of the store, word for word."""
    block = re.search(r"^store:\n((?:  .*\n)+)", config, re.MULTILINE)[1]
    # A list stands on one line.
    block = re.sub(r":\n  - ", ": ", block)
    return dict(line.strip().split(": ", 1) for line in block.replace("\n  - ", " ").splitlines())


def check(suite, init, keys, uploads):
    """Asks the same bucket again and again, as many people would, what its store can do.

    `init` takes a number and returns what lsync said and what it wrote down; `keys` and `uploads` list
    what is in the bucket afterwards.
    """
    expected = OF_ALL | ABILITIES[suite.store]
    wrong, inits = [], INITS if suite.long or suite.store in OFTEN else INITS_OF_OTHERS
    for number in range(1, inits + 1):
        said, config = init(number)
        got = found(config)
        wrong += [f"  init {number}: {key} is {got.get(key)}, not {expected.get(key)}"
                  for key in sorted(got.keys() | expected.keys()) if got.get(key) != expected.get(key)]
        if f"store: {GUARDS[suite.store]};" not in said:
            line = [line for line in said.splitlines() if line.startswith("store:")]
            wrong.append(f"  init {number} says {line}")
    suite.check(f"{inits} inits say the same of the store, and what it can do", not wrong,
                "\n".join(wrong))
    left = [*keys(), *uploads()]
    suite.check("and leave nothing in the bucket", not left, f"  {len(left)} left: {left[:5]}")
