#!/usr/bin/env python3
"""Holds bgmd's models against the same models in PyTorch.

For each model: PyTorch draws parameters, running averages and a batch; bgmd reads
them (`bgmd gradient`), and both compute the logits in training and in evaluation,
and the gradient of every parameter. Then PyTorch loads what bgmd wrote, which must
be the model as it was.

Passes if, in every one of --draws draws, every gradient is within --tolerance of
PyTorch's, as a part of its norm, and every logit within it of the largest. The
gradients are compared with PyTorch's in float64; how far its own in float32 are
from those is printed beside.

One kind of draw may be further apart: of the million units of ResNet-18 one may lie
within rounding of a ReLU's kink or of a tie in the max-pool, and then float32 takes
either side, whoever computes it, and a part of the gradient with it. That this is so
has to show: PyTorch's gradient in float64 must jump as far when the images move by
what float32 rounds off. Such draws are counted apart, and not all may be.

Needs only PyTorch and NumPy (Debian: python3-torch, python3-numpy). ResNet-18 is
written out as torchvision has it.

    /usr/bin/python3 scripts/check_against_torch.py --bgmd bin/bgmd
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn


class Block(nn.Module):
    """torchvision.models.resnet.BasicBlock."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """torchvision.models.resnet18(num_classes=classes), or with CIFAR's stem."""

    def __init__(self, classes=10, stem="imagenet"):
        super().__init__()
        cifar = stem == "cifar"
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False) if cifar else nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.Identity() if cifar else nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for i, outputs in enumerate((64, 128, 256, 512)):
            blocks = nn.Sequential(Block(inputs, outputs, 1 if i == 0 else 2), Block(outputs, outputs, 1))
            setattr(self, f"layer{i + 1}", blocks)
            inputs = outputs
        self.fc = nn.Linear(512, classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class LeNet(nn.Module):
    """The authors' LeNet, without its dropout."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 64, 5), nn.Conv2d(64, 64, 5)
        self.fc1, self.fc2 = nn.Linear(1024, 1024), nn.Linear(1024, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = torch.relu(torch.max_pool2d(conv(x), 2))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


class MLP(nn.Module):
    """bgmd's default MLP, without dropout."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 200), nn.Linear(200, 200), nn.Linear(200, 10)

    def forward(self, x):
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))


MODELS = {  # name: (constructor, image, batch, bgmd's settings)
    "mlp": (MLP, (1, 28, 28), 8, ["model.name=mlp"]),
    "lenet": (LeNet, (1, 28, 28), 8, ["model.name=lenet"]),
    "resnet18": (ResNet18, (3, 32, 32), 8, ["model.name=resnet18"]),
    "resnet18-cifar": (lambda: ResNet18(stem="cifar"), (3, 32, 32), 2, ["model.name=resnet18", "model.stem=cifar"]),
}
TYPES = {"F32": np.float32, "I64": np.int64}


def save(path, tensors):
    """Writes a safetensors file."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, x in tensors.items():
        x = x.detach().contiguous().numpy()
        raw = x.tobytes()
        dtype = next(k for k, v in TYPES.items() if v == x.dtype)
        header[name] = {"dtype": dtype, "shape": list(x.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + data)


def load(path):
    """Reads a safetensors file."""
    with open(path, "rb") as f:
        raw = f.read()
    n = int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, e in json.loads(raw[8:8 + n]).items():
        if name != "__metadata__":
            begin, end = e["data_offsets"]
            x = np.frombuffer(raw[8 + n + begin:8 + n + end], TYPES[e["dtype"]]).reshape(e["shape"])
            tensors[name] = torch.from_numpy(x.copy())
    return tensors


def reference(model, images, labels):
    """The gradients and logits, in the model's own precision; its averages stay."""
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.eval()
    with torch.no_grad():
        evaluated = model(images)
    model.train()
    model.zero_grad()
    trained = model(images)
    nn.functional.cross_entropy(trained, labels).backward()
    model.load_state_dict(before)
    return {k: p.grad.double().clone() for k, p in model.named_parameters()}, trained.detach().double(), evaluated.double()


def apart(a, b):
    """The largest relative distance of an array of a from that of b."""
    worst = 0.0
    for k, g in b.items():
        error = float((a[k].double() - g).norm() / g.norm())
        worst = error if not error <= worst else worst  # NaN is worst
    return worst


def kink(model, images, labels, grads, error, tries=60):
    """Whether the float64 gradient itself jumps by half the error when the images
    move by what float32 rounds off: then a ReLU or a pool is at a kink."""
    for _ in range(tries):
        moved, _, _ = reference(model, images * (1 + 3e-7 * torch.randn_like(images)), labels)
        if apart(moved, grads) >= error / 2:
            return True
    return False


def check(name, args, folder):
    """Returns whether the model agrees in every draw, and prints a line."""
    draws = [draw(name, args, folder, args.seed + i) for i in range(args.draws)]
    middle = [sorted(d[i] for d in draws)[len(draws) // 2] for i in range(4)]
    good, kinks = sum(d[5] == "good" for d in draws), sum(d[5] == "kink" for d in draws)
    same = all(d[4] for d in draws)
    ok = good > 0 and good + kinks == len(draws) and same
    print(f"{name:15} {'ok' if ok else 'FAILED':7} gradients: worst array {middle[0]:.1e} (PyTorch in float32 {middle[1]:.1e}), logits {middle[2]:.1e} "
          f"in training, {middle[3]:.1e} in evaluation; {good} of {len(draws)} draws within {args.tolerance:g}, {kinks} at a kink; {'same' if same else 'OTHER'} model back")
    return ok


def draw(name, args, folder, seed):
    """Returns the errors of the gradients, of PyTorch's own, and of both logits, whether the model came back, and
    how the errors are: good, beyond the tolerance at a kink of the function, or bad."""
    build, shape, batch_size, settings = MODELS[name]
    batch_size = args.batch or batch_size
    torch.manual_seed(seed)
    model = build()
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, 0, 0.1)
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
            m.num_batches_tracked.fill_(7)
    images, labels = torch.randn(batch_size, *shape), torch.randint(0, 10, (batch_size,))
    weights, batch, out = (os.path.join(folder, f"{name}.{what}.safetensors") for what in ("weights", "batch", "out"))
    save(weights, model.state_dict())
    save(batch, {"images": images, "labels": labels})
    cmd = [args.bgmd, "gradient", "--batch", batch, "--out", out]
    for s in settings + [f"model.init={weights}", "model.eval_batch_stats=false"]:
        cmd += ["--set", s]
    subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL)
    ours = load(out)

    own, _, _ = reference(model, images, labels)
    again = build()
    again.load_state_dict({k: ours[k] for k in model.state_dict()})  # strict
    same = all(torch.equal(v, again.state_dict()[k]) for k, v in model.state_dict().items())
    grads, trained, evaluated = reference(model.double(), images.double(), labels)
    found = {k: ours["grad." + k] for k in grads}
    worst, torch_worst = apart(found, grads), apart(own, grads)
    if args.verbose:
        for k in grads:
            print(f"    {k:32} {apart({k: found[k]}, {k: grads[k]}):.1e}")
    logits = [float((ours["logits." + what].double() - want).abs().max() / want.abs().max())
              for what, want in (("train", trained), ("eval", evaluated))]
    how = "good"
    if not max(logits) <= args.tolerance:
        how = "bad"
    elif not worst <= args.tolerance:
        how = "kink" if kink(model, images.double(), labels, grads, worst) else "bad"
    return worst, torch_worst, *logits, same, how


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)} (default all)")
    ap.add_argument("--bgmd", default="bin/bgmd", help="the program (default bin/bgmd)")
    ap.add_argument("--batch", type=int, help="samples (default 8, or 2 where images keep their size)")
    ap.add_argument("--draws", type=int, default=5)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--tolerance", type=float, default=1e-3)
    ap.add_argument("--verbose", action="store_true", help="print every array's error")
    args = ap.parse_args()
    if unknown := [m for m in args.models if m not in MODELS]:
        ap.error(f"unknown model {unknown[0]} (have {', '.join(MODELS)})")
    with tempfile.TemporaryDirectory() as folder:
        results = [check(name, args, folder) for name in args.models or MODELS]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
