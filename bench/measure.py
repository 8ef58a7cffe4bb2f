"""What the rows of bench/run share: programs run and timed, figures and their medians."""
import csv
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEERS = ROOT / "bench" / "peers"
PYTHON = "/usr/bin/python3"  # Debian's: it has the peers


class Skip(Exception):
    """Why a row cannot be measured here."""


@dataclasses.dataclass
class Figure:
    """One line of the table: the median of `samples`, and whether it is where it should be."""

    work: str
    unit: str
    samples: list
    goal: float = None  # None: measured for the record
    at_least: bool = True
    peer: str = ""  # what it is compared with, and how that did
    note: str = ""

    @property
    def reached(self):
        return statistics.median(self.samples)

    @property
    def met(self):
        if self.goal is None:
            return None
        return self.reached >= self.goal if self.at_least else self.reached <= self.goal

    def record(self, row):
        return {"row": row, "work": self.work, "unit": self.unit, "goal": self.goal, "at_least": self.at_least,
                "reached": self.reached, "met": self.met, "samples": self.samples, "peer": self.peer, "note": self.note}


@dataclasses.dataclass
class Bench:
    build: pathlib.Path
    data: pathlib.Path  # MNIST's four files
    rounds: int
    threads: int

    @property
    def fovea(self):
        return self.build / "fovea"

    def repeat(self, *measures):
        """Calls the measures in turns; a list of samples for each."""
        samples = [[] for _ in measures]
        for _ in range(self.rounds):
            for kept, measure in zip(samples, measures):
                kept.append(measure())
        return samples

    def speed(self, model, shape="1x28x28", batch=64, threads=None):
        """`fovea bench --model`, parsed."""
        return json.loads(run([self.fovea, "bench", "--model", model, "--input", shape, "--batch", batch, "--threads",
                               threads or self.threads, "--json"]))["training"]

    def train_rate(self, model, threads, n_images=None, epochs=10, extra=()):
        """Images/s of training: the median of all epochs but the first."""
        with Training(self, model, threads, n_images, epochs, extra) as training:
            return training.rate()

    def pytorch_rate(self, model, n_images, epochs, mode="tensor"):
        lines = run([PYTHON, PEERS / "pytorch_train.py", self.data, "--model", model, "--epochs", epochs, "--threads",
                     self.threads, "--train-size", n_images, "--mode", mode]).splitlines()
        return statistics.median(json.loads(line)["images_per_s"] for line in lines[1:])


class Training:
    """`fovea train`, started at once, into a directory that goes with it."""

    def __init__(self, bench, model, threads, n_images=None, epochs=10, extra=()):
        self.folder = tempfile.TemporaryDirectory()
        self.out = pathlib.Path(self.folder.name) / "run"
        subset = ["--subset", n_images, "--validation", 0] if n_images else []
        self.process = start([bench.fovea, "train", bench.data, "--model", model, "--epochs", epochs, "--threads",
                              threads, *subset, *extra, "--quiet", "--out", self.out])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def rate(self):
        finish(self.process)
        with open(self.out / "metrics.csv") as rows:
            return statistics.median([float(row["images_per_s"]) for row in csv.DictReader(rows)][1:])


def start(command):
    return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, err = process.communicate()
    if process.returncode:
        raise Skip(f"{' '.join(process.args[:2])} failed: {err.strip().splitlines()[-1] if err.strip() else 'no message'}")
    return out


def run(command):
    return finish(start(command))


def run_measured(command):
    """Seconds and the peak of resident memory, in MiB, of a program."""
    with open(os.devnull, "w") as nowhere, tempfile.TemporaryFile("w+") as err:
        begin = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=nowhere, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        time_s = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            err.seek(0)
            raise Skip(f"{command[0]} failed: {err.read().strip()[-200:]}")
    return time_s, usage.ru_maxrss / 1024


def ratios(ours, theirs):
    return [a / b for a, b in zip(ours, theirs)]
