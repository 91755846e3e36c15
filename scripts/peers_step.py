"""A training step's gradients in PyTorch: the models, the forms, and the processes they run in."""
import copy
import ctypes
import multiprocessing as mp
import time

import peers_blas

TOLERANCE = 1e-5  # of a client's gradient, as a part of the loop's norm


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

# A form: how it is called, whether it is tuned, and how many clients share a batch (0: autograd's loop).
FORMS = {
    "loop": ("a loop over clients", False, lambda n, batch: 0),
    "tuned": ("the loop, tuned", True, lambda n, batch: 0),
    "hooks": ("hooks, a few clients a batch", True, lambda n, batch: max(1, 64 // batch)),
    "hooks-all": ("hooks, all clients in a batch", True, lambda n, batch: n),
}
PER_CLIENT = ("loop", "tuned")  # forms that need no hooks


def forms_of(model, names):
    """The forms of those names that a model has: a shared batch would mix clients' batch statistics."""
    return [f for f in names if model != "resnet18" or f in PER_CLIENT + ("hooks",)]


def loop(torch, model, x, y, G):
    """Fills G with the gradients of clients, one after the other, as PyTorch's users write it."""
    for xi, yi, row in zip(x, y, G):
        model.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(xi), yi).backward()
        torch.cat([p.grad.reshape(-1) for p in model.parameters()], out=row)


class Hooks:
    """Per-client gradients of `group` clients in one batch.

    Forward hooks keep the input a and the output of each linear and convolutional layer, one call of
    autograd gives the gradient g at each output, and client i's weight gradient is g_i^T a_i, or the
    convolution's, written straight into its row of G. Other parameters (batch norm's) are autograd's,
    and then a batch has one client, as its statistics are a client's own."""

    def __init__(self, torch, model, group):
        nn = torch.nn
        self.torch, self.model, self.kept = torch, model, {}
        self.layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
        for m in self.layers:
            m.register_forward_hook(lambda m, inputs, output: self.kept.__setitem__(m, (inputs[0].detach(), output)))
        self.offsets, offset = {}, 0
        for p in model.parameters():
            self.offsets[p] = offset
            offset += p.numel()
        ours = {p for m in self.layers for p in m.parameters()}
        self.others = [p for p in model.parameters() if p not in ours]
        self.group = 1 if self.others else group

    def __call__(self, x, y, G):
        for i in range(0, len(x), self.group):
            self.batch(x[i:i + self.group], y[i:i + self.group], G[i:i + self.group])

    def batch(self, x, y, G):
        torch, (n, batch) = self.torch, y.shape
        loss = torch.nn.functional.cross_entropy(self.model(x.flatten(0, 1)), y.flatten(), reduction="sum") / batch
        at = [self.kept[m][1] for m in self.layers]
        grads = torch.autograd.grad(loss, at + self.others)
        with torch.no_grad():
            for p, g in zip(self.others, grads[len(at):]):
                self.rows(G, p)[0].copy_(g)
            for m, g in zip(self.layers, grads):
                self.layer(m, self.kept[m][0].unflatten(0, (n, batch)), g.unflatten(0, (n, batch)), G)

    def rows(self, G, p):
        """A parameter's part of G: clients x its shape."""
        return G[:, self.offsets[p]:self.offsets[p] + p.numel()].unflatten(1, p.shape)

    def layer(self, m, a, g, G):
        """Writes the gradients of one layer, from its inputs and the gradients at its outputs."""
        torch = self.torch
        linear = isinstance(m, torch.nn.Linear)
        if m.bias is not None:
            torch.sum(g, 1 if linear else (1, 3, 4), out=self.rows(G, m.bias))
        for ai, gi, row in zip(a, g, self.rows(G, m.weight)):
            if linear:
                torch.mm(gi.t(), ai, out=row)
            else:
                row.copy_(torch.nn.grad.conv2d_weight(ai, m.weight.shape, gi, m.stride, m.padding))


def keep_memory():
    """Tells malloc to keep what is freed. By default it returns large blocks, and their pages are
    cleared anew each step; PyTorch's tuning guide advises an allocator that keeps them."""
    M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # malloc.h
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def channels_last(torch, model, x):
    """Lays images and filters out channels last, in which pooling and oneDNN are faster."""
    model.to(memory_format=torch.channels_last)
    return x.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, x.shape[:2])


def disagreement(torch, models, run, x, y, G):
    """How far the form's gradients are from the plain loop's: the worst client's, as a part of its norm.
    The form runs the first of the two models, the loop the second, which is the same; both without dropout."""
    dropouts = [m for model in models for m in model.modules() if isinstance(m, torch.nn.Dropout)]
    for m in dropouts:
        m.eval()
    run(x, y, G)
    worst, row = 0.0, torch.empty_like(G[:1])
    for i in range(len(x)):
        loop(torch, models[1], x[i:i + 1].contiguous(), y[i:i + 1], row)
        error = float((G[i] - row[0]).norm() / row.norm())
        worst = error if not error <= worst else worst  # NaN is worst
    for m in dropouts:
        m.train()
    return worst


def check(torch, models, run, x, y, G):
    """Returns the disagreement, or raises ArithmeticError. In float32 one unit may lie at a kink of a ReLU or
    a tie in a max-pool and jump; so where the whole step is apart, a small one in float64 decides."""
    worst = disagreement(torch, models, run, x, y, G)
    if not worst <= TOLERANCE:
        for model in models:
            model.double()
        exact = disagreement(torch, models, run, x[:4, :8].double(), y[:4, :8], G[:4].double())
        if not exact <= TOLERANCE:
            raise ArithmeticError(f"gradients are {worst:.1e} from the loop's, and {exact:.1e} in float64; allowed are {TOLERANCE:g}")
        models[0].float()
    return worst


def peak_kb():
    """The most memory this process held, since it was last reset."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def worker(conn, name, form, batch, threads, any_blas, G):
    """Fills its rows of G: sends what it runs on, then serves rounds of as many steps as it is told."""
    try:
        import torch
        _, tuned, group = FORMS[form]
        if tuned:
            keep_memory()
        about = peers_blas.torch_blas(torch, threads, any_blas)
        torch.manual_seed(1)
        build, shape = MODELS[name]
        model, n = build(torch), len(G)
        model.train()
        x, y = torch.randn(n, batch, *shape), torch.randint(0, 10, (n, batch))
        plain = copy.deepcopy(model)
        if tuned:
            x = channels_last(torch, model, x)
        if group(n, batch) == 0:
            run = lambda x, y, G: loop(torch, model, x, y, G)
        else:
            run = Hooks(torch, model, group(n, batch))
        if form != "loop":
            about["disagreement"] = check(torch, (model, plain), run, x, y, G)
        del plain
        ctypes.CDLL(None).malloc_trim(0)  # what the check took
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")  # peak memory from here on
        conn.send(about)
    except (peers_blas.SlowBLAS, ArithmeticError) as e:
        conn.send(e)
        return
    while (steps := conn.recv()) > 0:
        for _ in range(steps):
            run(x, y, G)
        conn.send(peak_kb())


class Torch:
    """PyTorch in one form, as `processes` processes of `threads` threads; what each runs on is in `about`."""

    def __init__(self, model, form, n, batch, processes, threads, any_blas):
        import torch
        many = "processes" if processes > 1 else "process"
        self.name = f"{FORMS[form][0]}, {processes} {many} x {threads} thread{'s' if threads > 1 else ''}"
        d = sum(p.numel() for p in MODELS[model][0](torch).parameters())
        G = torch.zeros(n, d).share_memory_()
        ctx = mp.get_context("spawn")
        self.conns, self.procs, self.peak_kb = [], [], 0
        for p in range(processes):
            here, there = ctx.Pipe()
            rows = G[p * n // processes:(p + 1) * n // processes]
            proc = ctx.Process(target=worker, args=(there, model, form, batch, threads, any_blas, rows), daemon=True)
            proc.start()
            there.close()
            self.conns.append(here)
            self.procs.append(proc)
        self.about = [c.recv() for c in self.conns]
        for found in self.about:
            if isinstance(found, Exception):
                raise found

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
