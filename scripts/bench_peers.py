#!/usr/bin/env python3
"""Times PyTorch and NumPy doing bgmd's work, and bgmd beside them.

    bench_peers.py step   a training step's gradients, as `bgmd bench step`
    bench_peers.py agg    aggregation, as `bgmd bench agg`
    bench_peers.py gemm   a product of 512x512 by 512x512 on one core, as `bgmd bench kernel`

One step is: for each of n clients, load its batch, run the model (--model lenet,
mlp or resnet18) forward and backward, and write the flattened gradient into the client's row of the n x d
matrix G. PyTorch is timed two ways, and the better one counts:

  1 process  x T threads   clients one after the other
  T processes x 1 thread   clients shared out, G in shared memory

where T is --threads (default: all cores). With --bgmd PATH the program is run
between PyTorch's rounds, so that both see the same machine, and the ratio
bgmd / PyTorch is printed: below 1 bgmd is faster.

Aggregation is the mean, the coordinate-wise median, the geometric median and
block geometric median descent (a tenth of the coordinates, averaged memory) of
one n x d matrix, written in NumPy and in PyTorch as their users write them; the
geometric median is Weiszfeld's iteration until a step is shorter than 1e-5 of
the result. bgmd's solves it to an optimality residual of 1e-8. NumPy's block is
timed with the quickest selection it has, argpartition, and as "block, sorted" with
argsort, by which the paper's authors select
(jacobian_compression.py in github.com/anishacharya/BGMD-AISTATS-2022).

Needs only PyTorch and NumPy (Debian: python3-torch, python3-numpy).

    /usr/bin/python3 scripts/bench_peers.py step --clients 32 --batch 64 --bgmd bin/bgmd
"""
import argparse
import json
import multiprocessing as mp
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

# The peers choose their own kernels for this processor.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np


def lenet(torch):
    """The 1,163,978-parameter LeNet of the paper's authors."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 64, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(64, 64, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(1024, 1024), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(1024, 10))


def mlp(torch):
    """bgmd's default MLP."""
    nn = torch.nn
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 200), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(200, 200), nn.ReLU(), nn.Dropout(0.5), nn.Linear(200, 10))


def resnet18(torch):
    """torchvision's ResNet-18 for ten classes."""
    from check_against_torch import ResNet18
    return ResNet18()


MODELS = {"lenet": (lenet, (1, 28, 28)), "mlp": (mlp, (1, 28, 28)), "resnet18": (resnet18, (3, 32, 32))}


def clients(torch, model, x, y, G, rows):
    """Fills the given rows of G with the gradients of those clients."""
    loss_of = torch.nn.functional.cross_entropy
    for i in rows:
        model.zero_grad(set_to_none=True)
        loss_of(model(x[i]), y[i]).backward()
        torch.cat([p.grad.view(-1) for p in model.parameters()], out=G[i])


def worker(conn, name, n, batch, threads, rows, G):
    """Serves rounds: at each message runs `steps` steps over its rows."""
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    build, shape = MODELS[name]
    model = build(torch)
    model.train()
    x = torch.randn(n, batch, *shape)
    y = torch.randint(0, 10, (n, batch))
    conn.send("ready")
    while (steps := conn.recv()) > 0:
        for _ in range(steps):
            clients(torch, model, x, y, G, rows)
        conn.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


class Torch:
    """PyTorch as `processes` processes of `threads` threads."""

    def __init__(self, model, n, batch, processes, threads):
        import torch
        self.name = f"{processes} process x {threads} thread" if processes == 1 else f"{processes} processes x {threads} thread"
        d = sum(p.numel() for p in MODELS[model][0](torch).parameters())
        G = torch.zeros(n, d).share_memory_()
        ctx = mp.get_context("spawn")
        self.conns, self.procs, self.peak_kb = [], [], 0
        for p in range(processes):
            here, there = ctx.Pipe()
            proc = ctx.Process(target=worker, args=(there, model, n, batch, threads, range(p, n, processes), G), daemon=True)
            proc.start()
            self.conns.append(here)
            self.procs.append(proc)
        for c in self.conns:
            c.recv()

    def ms_per_step(self, steps):
        start = time.perf_counter()
        for c in self.conns:
            c.send(steps)
        self.peak_kb = sum(c.recv() for c in self.conns)
        return (time.perf_counter() - start) * 1e3 / steps

    def close(self):
        for c, p in zip(self.conns, self.procs):
            c.send(0)
            p.join()


def bgmd_step(path, args):
    """One `bgmd bench step` as its own process."""
    cmd = [path, "bench", "step", "--model", args.model, "--clients", str(args.clients),
           "--batch", str(args.batch), "--steps", str(args.steps), "--workers", str(args.threads), "--json"]
    return json.loads(subprocess.run(cmd, check=True, stdout=subprocess.PIPE).stdout)


def weiszfeld(G, mean, norms, iterations=100, tolerance=1e-5):
    """The geometric median of the rows of G."""
    y = mean(G)
    for _ in range(iterations):
        w = 1 / norms(G - y).clip(1e-12)
        w /= w.sum()
        step = w @ G
        moved = float(norms((step - y)[None])[0])
        y = step
        if moved < tolerance * float(norms(y[None])[0]):
            break
    return y


class BlockDescent:
    """Block geometric median descent with one averaged memory."""

    def __init__(self, d, fraction, zeros, largest, mean, norms, gamma=0.01):
        self.k, self.m, self.gamma = int(fraction * d), zeros(d), gamma
        self.zeros, self.largest, self.mean, self.norms = zeros, largest, mean, norms

    def __call__(self, G):
        P = self.gamma * G + self.m
        block = self.largest((P * P).sum(0), self.k)
        u = self.zeros(P.shape[1])
        u[block] = weiszfeld(P[:, block], self.mean, self.norms) / self.gamma
        self.m = self.mean(P)
        self.m[block] = 0
        return u


def peers(torch, G):
    """Every rule of every library, as a function without arguments."""
    T = torch.from_numpy(G)
    d = G.shape[1]
    np_mean, np_norms = lambda X: X.mean(0), lambda X: np.linalg.norm(X, axis=1)
    t_mean, t_norms = lambda X: X.mean(0), lambda X: X.norm(dim=1)
    np_zeros = lambda n: np.zeros(n, np.float32)
    np_block = BlockDescent(d, 0.1, np_zeros, lambda s, k: np.argpartition(s, -k)[-k:], np_mean, np_norms)
    np_sorted = BlockDescent(d, 0.1, np_zeros, lambda s, k: np.argsort(s)[-k:], np_mean, np_norms)
    t_block = BlockDescent(d, 0.1, torch.zeros, lambda s, k: torch.topk(s, k, sorted=False).indices, t_mean, t_norms)
    return {
        "NumPy": {"mean": lambda: G.mean(0), "cm": lambda: np.median(G, axis=0),
                  "gm": lambda: weiszfeld(G, np_mean, np_norms), "block": lambda: np_block(G),
                  "block, sorted": lambda: np_sorted(G)},
        "PyTorch": {"mean": lambda: T.mean(0), "cm": lambda: T.median(0),
                    "gm": lambda: weiszfeld(T, t_mean, t_norms), "block": lambda: t_block(T)},
    }


def bench_agg(torch, args):
    """Times the rules and prints a table."""
    rng = np.random.default_rng(1)
    G = np.empty((args.n, args.d), np.float32)
    common = rng.standard_normal(args.d, np.float32)
    for i in range(args.n):
        G[i] = 0.01 * (common + rng.standard_normal(args.d, np.float32))
        if i < args.n // 5:
            G[i] *= -100
    torch.set_num_threads(args.threads)
    times = {lib: {rule: [] for rule in rules} for lib, rules in peers(torch, G).items()}
    ours = {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "G.npy")
        np.save(path, G)
        for r in range(args.rounds):
            for lib, rules in peers(torch, G).items():
                for rule, run in rules.items():
                    start = time.perf_counter()
                    run()
                    times[lib][rule].append((time.perf_counter() - start) * 1e3)
            if args.bgmd:
                cmd = [args.bgmd, "bench", "agg", "--matrix", path, "--rules", "cm,gm,block", "--calls", "5", "--json"]
                for t in json.loads(subprocess.run(cmd, check=True, stdout=subprocess.PIPE).stdout)["rules"]:
                    ours.setdefault(t["rule"].replace("block(0.1, gm)", "block"), []).append(t["ms"])
            print(f"round {r + 1} of {args.rounds} done", file=sys.stderr)
    table = {rule: {lib: statistics.median(times[lib][rule]) for lib in times if rule in times[lib]} for rule in times["NumPy"]}
    for rule, row in table.items():
        if (name := rule.removesuffix(", sorted")) in ours:
            row["bgmd"] = statistics.median(ours[name])
    if args.json:
        print(json.dumps({"n": args.n, "d": args.d, "threads": args.threads, "torch": torch.__version__, "numpy": np.__version__, "ms": table}))
        return
    print(f"{args.n} rows of {args.d} coordinates, {args.threads} cores, NumPy {np.__version__}, PyTorch {torch.__version__}; median of {args.rounds}, ms")
    print(f"{'':14}{'NumPy':>10}{'PyTorch':>10}{'bgmd':>10}   NumPy / bgmd   PyTorch / bgmd")
    for rule, row in table.items():
        cell = lambda lib, over, width: f"{row[lib] / over:{width}.1f}" if lib in row else " " * width
        line = f"{rule:14}{cell('NumPy', 1, 10)}{cell('PyTorch', 1, 10)}"
        if "bgmd" in row:
            line += cell("bgmd", 1, 10) + cell("NumPy", row["bgmd"], 15) + cell("PyTorch", row["bgmd"], 17)
        print(line.rstrip())


def bench_gemm(args):
    """Times NumPy's product, which is OpenBLAS's in Debian, and bgmd's."""
    code = """
import time, numpy as np
a, b, c = (np.random.rand(512, 512).astype(np.float32) for _ in range(3))
best, start = 9, time.perf_counter()
while time.perf_counter() - start < 0.5:
    t = time.perf_counter()
    np.matmul(a, b, out=c)
    best = min(best, time.perf_counter() - t)
print(2 * 512**3 / best / 1e9)"""
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    numpy, ours = [], []
    for r in range(args.rounds):
        numpy.append(float(subprocess.run([sys.executable, "-c", code], env=env, check=True, stdout=subprocess.PIPE).stdout))
        if args.bgmd:
            cmd = [args.bgmd, "bench", "kernel", "--batch", "1", "--time", "1", "--json"]
            ours.append(json.loads(subprocess.run(cmd, check=True, stdout=subprocess.PIPE).stdout))
        print(f"round {r + 1} of {args.rounds} done", file=sys.stderr)
    out = {"numpy": np.__version__, "numpy_gflops": statistics.median(numpy)}
    if ours:
        out |= {"bgmd_backend": ours[0]["backend"], "bgmd_gflops": statistics.median(o["sgemm_gflops"] for o in ours),
                "peak_gflops": statistics.median(o["peak_gflops"] for o in ours)}
    if args.json:
        print(json.dumps(out))
        return
    print(f"512x512 by 512x512, one core; median of {args.rounds}")
    print(f"  {'NumPy ' + np.__version__:20}{out['numpy_gflops']:8.1f} GFLOPS")
    if ours:
        print(f"  {'bgmd (' + out['bgmd_backend'] + ')':20}{out['bgmd_gflops']:8.1f} GFLOPS, of {out['peak_gflops']:.1f} in registers")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", nargs="?", choices=["step", "agg", "gemm"], default="step")
    ap.add_argument("--n", type=int, default=32, help="agg: rows (default 32)")
    ap.add_argument("--d", type=int, default=1_163_978, help="agg: coordinates (default LeNet's 1163978)")
    ap.add_argument("--model", choices=list(MODELS), default="lenet", help="step: the model (default lenet)")
    ap.add_argument("--clients", type=int, default=32)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--steps", type=int, default=5, help="steps a round (default 5)")
    ap.add_argument("--rounds", type=int, default=5, help="rounds; medians are reported (default 5)")
    ap.add_argument("--threads", type=int, default=os.cpu_count(), help="cores to use (default all)")
    ap.add_argument("--bgmd", help="path of a bgmd binary to time in the same rounds")
    ap.add_argument("--json", action="store_true", help="print one JSON object")
    args = ap.parse_args()
    if args.what == "gemm":
        bench_gemm(args)
        return
    try:
        import torch
    except ImportError:
        sys.exit("bench_peers: no PyTorch for this Python; on Debian: apt-get install python3-torch python3-numpy, then /usr/bin/python3 " + sys.argv[0])

    if args.what == "agg":
        bench_agg(torch, args)
        return
    shapes = dict.fromkeys([(1, args.threads), (args.threads, 1)])
    times, peaks, ours = {}, {}, []
    for r in range(args.rounds):
        for processes, threads in shapes:
            t = Torch(args.model, args.clients, args.batch, processes, threads)
            t.ms_per_step(1)  # warm-up
            times.setdefault(t.name, []).append(t.ms_per_step(args.steps))
            peaks[t.name] = max(peaks.get(t.name, 0), t.peak_kb)
            t.close()
        if args.bgmd:
            ours.append(bgmd_step(args.bgmd, args))
        print(f"round {r + 1} of {args.rounds} done", file=sys.stderr)

    medians = {name: statistics.median(v) for name, v in times.items()}
    best = min(medians, key=medians.get)
    out = {"model": args.model, "clients": args.clients, "batch": args.batch, "threads": args.threads, "torch": torch.__version__,
           "torch_ms_per_step": medians, "torch_best": best, "torch_peak_mb": {k: round(v / 1024) for k, v in peaks.items()}}
    if ours:
        out["bgmd_ms_per_step"] = statistics.median(o["ms_per_step"] for o in ours)
        out["bgmd_backend"] = ours[-1]["backend"]
        out["bgmd_peak_mb"] = max(o["peak_mb"] for o in ours)
        out["ratio"] = statistics.median(o["ms_per_step"] / times[best][i] for i, o in enumerate(ours))
    if args.json:
        print(json.dumps(out))
        return
    print(f"{args.model}, {args.clients} clients x {args.batch} samples, {args.threads} cores; median of {args.rounds} rounds of {args.steps} steps")
    for name, ms in medians.items():
        print(f"  PyTorch {torch.__version__}, {name:<24} {ms:9.1f} ms a step  {out['torch_peak_mb'][name]:5d} MB")
    if ours:
        print(f"  bgmd ({out['bgmd_backend']}){'':<24} {out['bgmd_ms_per_step']:9.1f} ms a step  {out['bgmd_peak_mb']:5.0f} MB")
        print(f"  ratio to the better PyTorch: {out['ratio']:.2f}")


if __name__ == "__main__":
    main()
