#!/usr/bin/env python3
"""Times PyTorch and NumPy doing bgmd's work, and bgmd beside them.

    bench_peers.py step   a training step's gradients, as `bgmd bench step`
    bench_peers.py agg    aggregation, as `bgmd bench agg`
    bench_peers.py gemm   a product of 512x512 by 512x512 on one core, as `bgmd bench kernel`

One step is: for each of n clients, load its batch, run the model (--model lenet,
mlp or resnet18) forward and backward, and write the flattened gradient into the
client's row of the n x d matrix G. PyTorch is timed in several forms (--forms), and the best one counts:

  loop       clients one after the other by autograd, as PyTorch's users write it
  tuned      the same with channels last, and malloc keeping the memory it has
  hooks      tuned, and clients in batches of up to 64 samples, or of one client:
             gradients from each layer's inputs and the gradients at its outputs
  hooks-all  the same with all clients in one batch; not for ResNet-18, where a
             batch is one client, as batch norm's statistics are a client's own

each as 1 process of T threads and as T processes of 1 thread with the clients
shared out and G in shared memory, where T is --threads (default: all cores). The
gradients of every form must be within 1e-5 of the loop's before it is timed (in
float64, where one in float32 jumps at a kink).

With --bgmd PATH the program is run between PyTorch's rounds, so that both see the
same machine, and the ratio bgmd / PyTorch is printed: below 1 bgmd is faster.

Every process that times NumPy or PyTorch finds out which BLAS it really calls, says
so, and refuses the reference BLAS, an unknown one, and any that is not at least twice
as fast as NumPy's einsum (--any-blas: warns).

Aggregation is the mean, the coordinate-wise median, the geometric median and
block geometric median descent (a tenth of the coordinates, averaged memory) of
one n x d matrix, written in NumPy and in PyTorch as their users write them; the
geometric median is Weiszfeld's iteration until a step is shorter than 1e-5 of
the result. bgmd's solves it to an optimality residual of 1e-8. NumPy's block is
timed with the quickest selection it has, argpartition, and as "block, sorted" with
argsort, by which the paper's authors select
(jacobian_compression.py in github.com/anishacharya/BGMD-AISTATS-2022).

Needs only PyTorch and NumPy (Debian: python3-torch, python3-numpy,
libopenblas0-pthread).

    /usr/bin/python3 scripts/bench_peers.py step --clients 32 --batch 64 --bgmd bin/bgmd
"""
import argparse
import json
import multiprocessing as mp
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

import peers_blas  # before NumPy: it sets what OpenBLAS reads
import numpy as np

import peers_step


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


def numpy_rules(G):
    """Every rule in NumPy, as a function without arguments."""
    mean, norms, zeros = lambda X: X.mean(0), lambda X: np.linalg.norm(X, axis=1), lambda n: np.zeros(n, np.float32)
    d = G.shape[1]
    block = BlockDescent(d, 0.1, zeros, lambda s, k: np.argpartition(s, -k)[-k:], mean, norms)
    by_sorting = BlockDescent(d, 0.1, zeros, lambda s, k: np.argsort(s)[-k:], mean, norms)
    return {"mean": lambda: G.mean(0), "cm": lambda: np.median(G, axis=0), "gm": lambda: weiszfeld(G, mean, norms),
            "block": lambda: block(G), "block, sorted": lambda: by_sorting(G)}


def torch_rules(torch, T):
    """Every rule in PyTorch, where T lies, as a function without arguments."""
    mean, norms, zeros = lambda X: X.mean(0), lambda X: X.norm(dim=1), lambda n: torch.zeros(n, device=T.device)
    block = BlockDescent(T.shape[1], 0.1, zeros, lambda s, k: torch.topk(s, k, sorted=False).indices, mean, norms)
    return {"mean": lambda: T.mean(0), "cm": lambda: T.median(0), "gm": lambda: weiszfeld(T, mean, norms), "block": lambda: block(T)}


def peers(torch, G):
    """Every rule of every library."""
    return {"NumPy": numpy_rules(G), "PyTorch": torch_rules(torch, torch.from_numpy(G))}


def gradients(n, d):
    """An n x d matrix like bench agg's: a fifth of the rows is corrupt."""
    rng = np.random.default_rng(1)
    G = np.empty((n, d), np.float32)
    common = rng.standard_normal(d, np.float32)
    for i in range(n):
        G[i] = 0.01 * (common + rng.standard_normal(d, np.float32))
        if i < n // 5:
            G[i] *= -100
    return G


def bench_agg(torch, args):
    """Times the rules and prints a table."""
    G = gradients(args.n, args.d)
    blas = [peers_blas.numpy_blas(args.threads, args.any_blas), peers_blas.torch_blas(torch, args.threads, args.any_blas)]
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
        print(json.dumps({"n": args.n, "d": args.d, "threads": args.threads, "torch": torch.__version__, "numpy": np.__version__, "blas": blas, "ms": table}))
        return
    print(f"{args.n} rows of {args.d} coordinates, {args.threads} cores, NumPy {np.__version__}, PyTorch {torch.__version__}; median of {args.rounds}, ms")
    print_blas(blas)
    print(f"{'':14}{'NumPy':>10}{'PyTorch':>10}{'bgmd':>10}   NumPy / bgmd   PyTorch / bgmd")
    for rule, row in table.items():
        cell = lambda lib, over, width: f"{row[lib] / over:{width}.1f}" if lib in row else " " * width
        line = f"{rule:14}{cell('NumPy', 1, 10)}{cell('PyTorch', 1, 10)}"
        if "bgmd" in row:
            line += cell("bgmd", 1, 10) + cell("NumPy", row["bgmd"], 15) + cell("PyTorch", row["bgmd"], 17)
        print(line.rstrip())


def numpy_product(any_blas):
    """The GFLOPS of NumPy's product on one core, and its BLAS."""
    blas = peers_blas.numpy_blas(1, any_blas)
    a, b, c = (np.random.rand(512, 512).astype(np.float32) for _ in range(3))
    return peers_blas.speed(lambda: np.matmul(a, b, out=c), 512, seconds=0.5), blas


def bench_gemm(args):
    """Times NumPy's product, which is its BLAS's, and bgmd's."""
    numpy, ours = [], []
    for r in range(args.rounds):
        with ProcessPoolExecutor(1, mp.get_context("spawn")) as pool:
            gflops, blas = pool.submit(numpy_product, args.any_blas).result()
        numpy.append(gflops)
        if args.bgmd:
            cmd = [args.bgmd, "bench", "kernel", "--batch", "1", "--time", "1", "--json"]
            ours.append(json.loads(subprocess.run(cmd, check=True, stdout=subprocess.PIPE).stdout))
        print(f"round {r + 1} of {args.rounds} done", file=sys.stderr)
    out = {"numpy": np.__version__, "numpy_gflops": statistics.median(numpy), "blas": [blas]}
    if ours:
        out |= {"bgmd_backend": ours[0]["backend"], "bgmd_gflops": statistics.median(o["sgemm_gflops"] for o in ours),
                "peak_gflops": statistics.median(o["peak_gflops"] for o in ours)}
    if args.json:
        print(json.dumps(out))
        return
    print(f"512x512 by 512x512, one core; median of {args.rounds}")
    print_blas([blas])
    print(f"  {'NumPy ' + np.__version__:20}{out['numpy_gflops']:8.1f} GFLOPS")
    if ours:
        print(f"  {'bgmd (' + out['bgmd_backend'] + ')':20}{out['bgmd_gflops']:8.1f} GFLOPS, of {out['peak_gflops']:.1f} in registers")


def print_blas(reports):
    """Prints what the peers multiply with."""
    for found in reports:
        print("  " + peers_blas.line(found))


def bench_step(torch, args):
    """Times a step in every form and prints a table."""
    forms = peers_step.forms_of(args.model, args.forms)
    shapes = dict.fromkeys([(1, args.threads), (args.threads, 1)])
    times, peaks, blas, ours = {}, {}, {}, []
    for r in range(args.rounds):
        for form in forms:
            for processes, threads in shapes:
                t = peers_step.Torch(args.model, form, args.clients, args.batch, processes, threads, args.any_blas)
                t.ms_per_step(1)  # warm-up
                times.setdefault(t.name, []).append(t.ms_per_step(args.steps))
                peaks[t.name] = max(peaks.get(t.name, 0), t.peak_kb)
                blas[t.name] = t.about
                t.close()
        if args.bgmd:
            ours.append(bgmd_step(args.bgmd, args))
        print(f"round {r + 1} of {args.rounds} done", file=sys.stderr)

    medians = {name: statistics.median(v) for name, v in times.items()}
    best = min(medians, key=medians.get)
    out = {"model": args.model, "clients": args.clients, "batch": args.batch, "threads": args.threads, "torch": torch.__version__,
           "torch_ms_per_step": medians, "torch_best": best, "torch_peak_mb": {k: round(v / 1024) for k, v in peaks.items()}, "torch_processes": blas}
    if ours:
        out["bgmd_ms_per_step"] = statistics.median(o["ms_per_step"] for o in ours)
        out["bgmd_backend"] = ours[-1]["backend"]
        out["bgmd_peak_mb"] = max(o["peak_mb"] for o in ours)
        out["ratios"] = {name: statistics.median(o["ms_per_step"] / t for o, t in zip(ours, v)) for name, v in times.items()}
        out["ratio"] = out["ratios"][best]
    if args.json:
        print(json.dumps(out))
        return
    print_step(args, forms, out)


def print_step(args, forms, out):
    """Prints what bench_step found."""
    print(f"{args.model}, {args.clients} clients x {args.batch} samples, {args.threads} cores; median of {args.rounds} rounds of {args.steps} steps")
    peers = [p for about in out["torch_processes"].values() for p in about]
    alike = {tuple(p.get(key) for key in ("path", "torch_threads", "threads")): p for p in peers}
    print_blas(alike.values())
    if checked := [p["disagreement"] for p in peers if "disagreement" in p]:
        kink = ", where a unit at a kink jumps; in float64 within 1e-5" if max(checked) > peers_step.TOLERANCE else ""
        print(f"  gradients of the other forms within {max(checked):.1e} of the loop's{kink}")
    for form in args.forms:
        if form not in forms:
            print(f"  not timed: {peers_step.FORMS[form][0]}: batch norm's statistics are a client's own")
    for name, ms in out["torch_ms_per_step"].items():
        ratio = f"   bgmd / this {out['ratios'][name]:.2f}" if "ratios" in out else ""
        print(f"  PyTorch, {name:<54} {ms:9.1f} ms a step  {out['torch_peak_mb'][name]:5d} MB{ratio}{'  best' if name == out['torch_best'] else ''}")
    if "ratio" in out:
        print(f"  {'bgmd (' + out['bgmd_backend'] + ')':<63} {out['bgmd_ms_per_step']:9.1f} ms a step  {out['bgmd_peak_mb']:5.0f} MB")
        print(f"  ratio to the best PyTorch ({out['torch_best']}): {out['ratio']:.2f}")


def form_names(text):
    """The forms named in a list with commas."""
    names = text.split(",")
    if unknown := [f for f in names if f not in peers_step.FORMS]:
        raise argparse.ArgumentTypeError(f"unknown form {unknown[0]!r} (have {', '.join(peers_step.FORMS)})")
    return names


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", nargs="?", choices=["step", "agg", "gemm"], default="step")
    ap.add_argument("--n", type=int, default=32, help="agg: rows (default 32)")
    ap.add_argument("--d", type=int, default=1_163_978, help="agg: coordinates (default LeNet's 1163978)")
    ap.add_argument("--model", choices=list(peers_step.MODELS), default="lenet", help="step: the model (default lenet)")
    ap.add_argument("--clients", type=int, default=32)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--steps", type=int, default=5, help="steps a round (default 5)")
    ap.add_argument("--rounds", type=int, default=5, help="rounds; medians are reported (default 5)")
    ap.add_argument("--threads", type=int, default=os.cpu_count(), help="cores to use (default all)")
    ap.add_argument("--forms", type=form_names, default=list(peers_step.FORMS), help="step: forms of PyTorch (default all)")
    ap.add_argument("--any-blas", action="store_true", help="measure with a slow BLAS, too, and warn")
    ap.add_argument("--bgmd", help="path of a bgmd binary to time in the same rounds")
    ap.add_argument("--json", action="store_true", help="print one JSON object")
    args = ap.parse_args()
    try:
        run(args)
    except (peers_blas.SlowBLAS, ArithmeticError) as e:
        sys.exit(f"bench_peers: {e}")


def run(args):
    """Runs what was asked for."""
    if args.what == "gemm":
        bench_gemm(args)
        return
    try:
        import torch
    except ImportError:
        sys.exit("bench_peers: no PyTorch for this Python; on Debian: apt-get install python3-torch python3-numpy libopenblas0-pthread, then /usr/bin/python3 " + sys.argv[0])
    if args.what == "agg":
        bench_agg(torch, args)
    else:
        bench_step(torch, args)


if __name__ == "__main__":
    main()
