#!/usr/bin/env python3
"""Times PyTorch on an NVIDIA GPU doing bgmd's work, and bgmd beside it.

A step is bench_peers.py's: the gradient of each of n clients on its own batch, flattened
into its row of the n x d matrix G, with data and G on the GPU. Its forms are

  loop   clients one after the other by autograd, as PyTorch's users write it
  vmap   all clients at once: torch.func.vmap over grad, batch norm without running averages

each with matrix products and convolutions in float32 and in TF32 (10 bits of mantissa for
23). Without dropout vmap's gradients must be within 1e-5 of the loop's before it is timed
(in float64, where those in float32 jump at a kink). Aggregation is bench_peers.py's rules on the GPU.

Times are medians of --rounds by the GPU's events. With --bgmd PATH `bgmd bench step
--device gpu` runs before each step's forms. Needs PyTorch 2, or 1.13 with functorch; on a
machine without a GPU, --device cpu rehearses.

    python3 scripts/peers_gpu.py --bgmd bin/bgmd-gpu
"""
import argparse
import copy
import json
import statistics
import subprocess
import sys
import time

import bench_peers
import peers_step

STEPS = ["lenet:32:16", "lenet:32:64", "mlp:32:64", "resnet18:10:128"]
MATRICES = ["32:1163978", "10:11181642"]


def functions():
    """vmap, grad, functional_call, and what takes batch norm's running averages away."""
    try:
        from torch.func import functional_call, grad, replace_all_batch_norm_modules_, vmap
    except ImportError:  # before PyTorch 2
        from functorch import grad, vmap
        from functorch.experimental import replace_all_batch_norm_modules_
        from torch.nn.utils.stateless import functional_call
    return vmap, grad, functional_call, replace_all_batch_norm_modules_


class Vmap:
    """Per-client gradients of all clients at once."""

    def __init__(self, torch, model):
        vmap, grad, functional_call, without_averages = functions()
        without_averages(model)

        def loss(parameters, x, y):
            return torch.nn.functional.cross_entropy(functional_call(model, parameters, (x,)), y)

        self.model, self.grads = model, vmap(grad(loss), in_dims=(None, 0, 0), randomness="different")

    def __call__(self, x, y, G):
        grads, offset = self.grads({name: p.detach() for name, p in self.model.named_parameters()}, x, y), 0
        for g in grads.values():
            flat = g.flatten(1)
            G[:, offset:offset + flat.shape[1]] = flat
            offset += flat.shape[1]


def forms(torch, model):
    """The forms, by name, on models of their own that are the same."""
    plain, batched = model, copy.deepcopy(model)
    return {"loop": lambda x, y, G: peers_step.loop(torch, plain, x, y, G), "vmap": Vmap(torch, batched)}, (batched, plain)


def set_tf32(torch, on):
    """Products of matrices and convolutions in TF32, or in float32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = on


def timed(torch, device, run, rounds):
    """The median of the times of run, in ms."""
    run()
    run()
    times = []
    for _ in range(rounds):
        if device == "cpu":
            start = time.perf_counter()
            run()
            times.append(1e3 * (time.perf_counter() - start))
            continue
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times)


def bgmd_step(args, model, n, batch):
    """bgmd's ms a step, or None."""
    if not args.bgmd:
        return None
    cmd = [args.bgmd, "bench", "step", "--device", "gpu", "--model", model, "--clients", str(n), "--batch", str(batch),
           "--steps", str(args.rounds), "--json"]
    found = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if found.returncode != 0:
        print(f"bgmd: exit {found.returncode}: {found.stderr.strip()}")
        return None
    return json.loads(found.stdout)["ms_per_step"]


def bench_step(torch, args, name, n, batch):
    """Prints a line for each precision and form."""
    ours = bgmd_step(args, name, n, batch)
    if ours is not None:
        print(f"{name:9}{n:3} x {batch:<4} bgmd             {ours:9.2f} ms", flush=True)
    build, shape = peers_step.MODELS[name]
    for tf32 in (False,) if args.device == "cpu" else (False, True):
        set_tf32(torch, tf32)
        torch.manual_seed(1)
        model = build(torch).to(args.device).train()
        x, y = torch.randn(n, batch, *shape, device=args.device), torch.randint(0, 10, (n, batch), device=args.device)
        G = torch.empty(n, sum(p.numel() for p in model.parameters()), device=args.device)
        runs, (batched, plain) = forms(torch, model)
        worst = peers_step.check(torch, (batched, copy.deepcopy(plain)), runs["vmap"], x, y, G)
        for form, run in runs.items():
            ms = timed(torch, args.device, lambda: run(x, y, G), args.rounds)
            line = f"{name:9}{n:3} x {batch:<4} PyTorch {form} {'TF32' if tf32 else 'fp32'}{ms:9.2f} ms"
            line += f"   this / bgmd {ms / ours:6.1f}" if ours else ""
            line += f"   within {worst:.0e} of the loop" if form == "vmap" else ""
            print(line, flush=True)


def bench_agg(torch, args, n, d):
    """Prints a line for each rule."""
    set_tf32(torch, False)
    T = torch.from_numpy(bench_peers.gradients(n, d)).to(args.device)
    for rule, run in bench_peers.torch_rules(torch, T).items():
        print(f"{rule:6}{n:3} x {d:<9} PyTorch {timed(torch, args.device, run, args.rounds):9.3f} ms", flush=True)


def sizes(text):
    """The sizes in lenet:32:16 or 32:1163978."""
    return [int(word) if word.isdigit() else word for word in text.split(":")]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--steps", nargs="*", default=STEPS, help=f"model:clients:batch of each step (default {' '.join(STEPS)})")
    ap.add_argument("--matrices", nargs="*", default=MATRICES, help=f"n:d of each matrix to aggregate (default {' '.join(MATRICES)})")
    ap.add_argument("--rounds", type=int, default=7, help="times of each; the median is reported (default 7)")
    ap.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    ap.add_argument("--bgmd", help="path of a bgmd, built with the tag gpu, to time as well")
    args = ap.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("peers_gpu: no PyTorch for this Python")
    if args.device == "cuda" and not torch.cuda.is_available():
        sys.exit("peers_gpu: PyTorch finds no GPU: --device cpu rehearses without")
    print(f"PyTorch {torch.__version__} on {torch.cuda.get_device_name(0) if args.device == 'cuda' else 'the processor'}; median of {args.rounds}")
    failed = False
    for work, each in ((bench_step, args.steps), (bench_agg, args.matrices)):
        for text in each:
            try:
                work(torch, args, *sizes(text))
            except Exception as e:  # whatever it is, the next may fit, and agree
                print(f"{text}: {e}", flush=True)
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
