"""The rows of the speed table: each function measures one kind of work and returns its figures (docs/performance.md)."""
import json
import pathlib
import re
import statistics
import tempfile

from measure import PEERS, PYTHON, Figure, Skip, Training, ratios, run, run_measured

WIDE = ("conv 16 3x3, batchnorm, relu, maxpool 2, dropout2d 0.5, conv 32 3x3, batchnorm, relu, maxpool 2, dropout2d 0.5,"
        " dense 256, relu, dense 64, relu, dense classes")
DEEP = ("conv 32 3x3 pad 1, batchnorm, relu, conv 32 3x3 pad 1, batchnorm, relu, maxpool 2,"
        " conv 64 3x3 pad 1, batchnorm, relu, conv 64 3x3 pad 1, batchnorm, relu, maxpool 2,"
        " dense 128, relu, dense classes")
AUGMENT = "affine degrees 10 translate 0.1, gaussian_blur 3 0.1 1"


def rate_text(name, samples, unit="images/s"):
    return f"{name} {statistics.median(samples):,.0f} {unit}"


def side_by_side(bench):
    """Images/s of as many trainings at once as there are threads, a thread each, all together."""
    trainings = [Training(bench, "convnet", 1) for _ in range(bench.threads)]
    try:
        return sum([training.rate() for training in trainings])
    finally:
        for training in trainings:
            training.__exit__()


def convnet(bench):
    n = bench.threads
    one, many, side, torch, loader = bench.repeat(lambda: bench.train_rate("convnet", 1),
                                                  lambda: bench.train_rate("convnet", n),
                                                  lambda: side_by_side(bench),
                                                  lambda: bench.pytorch_rate("convnet", 12800, 3),
                                                  lambda: bench.pytorch_rate("convnet", 12800, 3, "loader"))
    return [Figure("train convnet, one thread", "images/s", one, 160000),
            Figure(f"train convnet, {n} threads", "images/s", many),
            Figure(f"train convnet, {n} threads over one", "times", ratios(many, one), 1.6),
            Figure(f"train convnet, {n} side by side over one", "times", ratios(side, one), 1.9),
            Figure(f"train convnet, {n} threads over PyTorch", "times", ratios(many, torch), 35,
                   peer=rate_text(f"PyTorch, {n} threads:", torch) + rate_text("; with its DataLoader:", loader))]


def ten_epochs(bench):
    def whole():
        with tempfile.TemporaryDirectory() as folder:
            return run_measured([bench.fovea, "train", bench.data, "--quiet", "--out", pathlib.Path(folder) / "run"])[0]

    return [Figure("convnet, 10 epochs from .gz, evaluated", "s", bench.repeat(whole)[0], 2.5, at_least=False)]


def of_peak(operations, speed):
    """Part of one core's peak that the operations reach, both ways, on the threads of the measurement."""
    passes = [operation[way] for operation in operations for way in ("forward", "backward")]
    time_s = sum(p["time_s"] for p in passes) * speed["threads"]
    return 2 * sum(p["multiply_adds"] for p in passes) / time_s / speed["peak_core_flops"]


def convolutions(speed):
    return of_peak([o for o in speed["operations"] if o["layers"].startswith("conv ")], speed)


def against_pytorch(bench, name, model, ours, theirs, goal=None):
    n = bench.threads
    one, many, torch = bench.repeat(lambda: bench.train_rate(model, 1, *ours),
                                    lambda: bench.train_rate(model, n, *ours),
                                    lambda: bench.pytorch_rate(model, *theirs))
    return Figure(f"train {name}, {n} threads over PyTorch", "times", ratios(many, torch), goal,
                  peer=rate_text(f"PyTorch, {n} threads:", torch),
                  note=rate_text("Fovea, one thread:", one) + rate_text(f"; {n} threads:", many))


def convnet_bn(bench):
    return [against_pytorch(bench, "convnet-bn", "convnet-bn", (51005, 10), (12800, 3))]


def wide(bench):
    speeds = bench.repeat(lambda: bench.speed(WIDE, threads=1))[0]
    return [Figure("train wide, of peak", "fraction", [s["step"]["of_peak"] for s in speeds], 0.65,
                   note=rate_text("one thread:", [s["images_per_s"] for s in speeds])),
            against_pytorch(bench, "wide", WIDE, (51005, 3), (6400, 3), 12)]


def deep(bench):
    speeds = bench.repeat(lambda: bench.speed(DEEP, threads=1))[0]
    return [Figure("train deep, convolutions, of peak", "fraction", [convolutions(s) for s in speeds], 0.80),
            Figure("train deep, of peak", "fraction", [s["step"]["of_peak"] for s in speeds], 0.70,
                   note=rate_text("one thread:", [s["images_per_s"] for s in speeds])),
            against_pytorch(bench, "deep", DEEP, (6400, 3), (1280, 3), 2.7)]


def residual(bench):
    speeds = bench.repeat(lambda: bench.speed("resnet-small", "3x32x32", threads=1))[0]
    return [Figure("train resnet-small on 32x32x3, of peak", "fraction", [s["step"]["of_peak"] for s in speeds], 0.65,
                   note=rate_text("one thread:", [s["images_per_s"] for s in speeds]))]


def onnxruntime(files, batch, threads):
    """The better of the exports, which take bytes and floats."""
    script = PEERS / "onnxruntime_infer.mjs"
    calls = [json.loads(run(["node", script, file, "--shape", "1x28x28", "--batch", batch, "--threads", threads]))
             for file in files]
    return min(call["call_s"] for call in calls)


def inference(bench):
    if not (PEERS.parent / "node_modules" / "onnxruntime-node").exists():
        raise Skip("onnxruntime-node is not installed: scripts/setup bench")
    n = bench.threads
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "run"
        run([bench.fovea, "train", bench.data, "--subset", 2000, "--epochs", 1, "--quiet", "--out", out])
        files = [pathlib.Path(folder) / f"{kind}.onnx" for kind in ("uint8", "float")]
        for file in files:
            run([bench.fovea, "export", out, "--out", file, "--input", file.stem, "--quiet"])
        ours, theirs_one, theirs_many = bench.repeat(lambda: bench.speed("convnet")["inference"],
                                                     lambda: onnxruntime(files, 1, n),
                                                     lambda: onnxruntime(files, 1024, n))
    latency = [i["latency_s"] for i in ours]
    rate, their_rate = [i["images_per_s"] for i in ours], [1024 / s for s in theirs_many]
    return [Figure("infer convnet, one image, over onnxruntime", "times", ratios(theirs_one, latency), 1,
                   peer=f"onnxruntime: {1e6 * statistics.median(theirs_one):.1f} us",
                   note=f"Fovea {1e6 * statistics.median(latency):.1f} us"),
            Figure("infer convnet, 1024, over onnxruntime", "times", ratios(rate, their_rate), 1,
                   peer=rate_text("onnxruntime:", their_rate), note=rate_text("Fovea", rate))]


def augment(bench):
    def ours():
        lines = run([bench.build / "bench" / "bench_augment", AUGMENT]).splitlines()
        return float(lines[-1].split()[0])

    def theirs():
        return json.loads(run([PYTHON, PEERS / "torchvision_augment.py"]))["images_per_s"]

    fovea, torchvision = bench.repeat(ours, theirs)
    return [Figure("affine and blur of 28x28, one thread", "images/s", fovea, 1000000,
                   peer=rate_text("torchvision:", torchvision))]


def augment_training(bench):
    plain, changed = bench.repeat(lambda: bench.train_rate("convnet", bench.threads),
                                  lambda: bench.train_rate("convnet", bench.threads, extra=("--augment", AUGMENT)))
    return [Figure("train convnet, time with affine and blur over without", "times", ratios(plain, changed), 1.15,
                   at_least=False, note=rate_text("without", plain) + rate_text(", with", changed))]


def embed(bench, split, points=None):
    """Seconds and KL of one embedding; the points go to a file where one is named."""
    line = run([bench.build / "bench" / "bench_embedding", bench.data, split, *([points] if points else [])])
    found = re.search(r"threads, \d+ iterations: ([\d.]+) s, KL ([\d.]+)", line)
    return float(found[1]), float(found[2])


def tsne_10k(bench):
    with tempfile.TemporaryDirectory() as folder:
        points = pathlib.Path(folder) / "points"
        ours = bench.repeat(lambda: embed(bench, "test", points))[0]
        line = run([PYTHON, PEERS / "sklearn_tsne.py", points, "--dimensions", 50, "--threads", bench.threads])
    found = re.search(r": ([\d.]+) s, KL ([\d.]+) reported, ([\d.]+) exact", line)
    peer = f"scikit-learn, once: {found[1]} s, KL {found[3]} exact, {found[2]} reported"
    return [Figure("t-SNE of 10,000 x 50", "s", [time_s for time_s, _ in ours], 2, at_least=False, peer=peer),
            Figure("its KL divergence, to scikit-learn's", "nats", [kl for _, kl in ours], float(found[3]),
                   at_least=False, peer=peer)]


def tsne_60k(bench):
    ours = bench.repeat(lambda: embed(bench, "train"))[0]
    return [Figure("t-SNE of 60,000 x 50", "s", [time_s for time_s, _ in ours], 20, at_least=False,
                   note=f"KL {ours[0][1]:.3f}")]


def nearest(bench):
    def once():
        return float(re.search(r"([\d.]+) s$", run([bench.build / "bench" / "bench_nearest"]).strip())[1])

    return [Figure("10 nearest of 10,000 in 60,000 x 64", "s", bench.repeat(once)[0], 1.5, at_least=False)]


def study(bench, seeds, goal):
    def once():
        with tempfile.TemporaryDirectory() as folder:
            return run_measured([bench.fovea, "study", bench.data, "--seeds", seeds, "--quiet", "--out",
                                 pathlib.Path(folder) / "study"])

    samples = bench.repeat(once)[0]
    return [Figure(f"study of MNIST, --seeds {seeds}", "s", [time_s for time_s, _ in samples], goal, at_least=False),
            Figure(f"study of MNIST, --seeds {seeds}, peak memory", "MiB", [mib for _, mib in samples], 400,
                   at_least=False)]


def start(bench):
    calls = 20  # a process starts in a millisecond: many, or the scheduler is what is measured

    def fastest(*words):
        return statistics.median(1e3 * run_measured([bench.fovea, *words])[0] for _ in range(calls))

    version, help_ = bench.repeat(lambda: fastest("version"), lambda: fastest("--help"))
    return [Figure("fovea version", "ms", version, 10, at_least=False),
            Figure("fovea --help", "ms", help_, 10, at_least=False)]


ROWS = {"convnet": convnet, "convnet-bn": convnet_bn, "ten-epochs": ten_epochs, "wide": wide, "deep": deep,
        "residual": residual, "inference": inference, "augment": augment, "augment-training": augment_training,
        "tsne-10k": tsne_10k, "tsne-60k": tsne_60k, "nearest": nearest, "study-1": lambda bench: study(bench, 1, 25),
        "study-3": lambda bench: study(bench, 3, 65), "start": start}


def curves(bench):
    """Images/s and part of the peak over batch, channels and image size; one thread and all."""
    stem = "conv {0} 3x3 pad 1, relu, conv {0} 3x3 pad 1, relu, maxpool 2, dense classes"
    small = "conv 8 3x3 pad 1, relu, maxpool 2, conv 8 3x3 pad 1, relu, maxpool 2, dense 64, relu, dense classes"
    points = {"batch": [("convnet", "1x28x28", 2 ** i, 2 ** i) for i in range(11)],
              "channels": [(stem.format(c), "1x28x28", 64, c) for c in (4, 8, 16, 32, 64, 128)],
              "size": [(small, f"1x{side}x{side}", 64, side) for side in (8, 16, 32, 64, 128)]}
    found = {}
    for name, curve in points.items():
        found[name] = []
        for model, shape, batch, at in curve:
            for threads in sorted({1, bench.threads}):
                speed = bench.speed(model, shape, batch, threads)
                if speed["threads"] < threads:  # a small batch has no work for more
                    continue
                found[name].append({name: at, "threads": speed["threads"], "model": model, "images_per_s": speed["images_per_s"],
                                    "of_peak": speed["step"]["of_peak"], "step_s": speed["step"]["time_s"],
                                    "wait_s": speed["wait_s"]})
                yield name, found[name][-1], found
