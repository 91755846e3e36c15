"""Which BLAS this process's NumPy and PyTorch really call, and whether it is a fast one.

Debian's NumPy and PyTorch call whatever libblas.so.3 is, and without OpenBLAS that
is the reference BLAS, 30 to 100 times slower (2.5 to 7 GFLOPS on one core of a
Zen 5, where OpenBLAS does 250). Its name in /proc/self/maps decides
nothing: PyTorch loads libopenblas.so.0 for other reasons, too. So the library is
asked for that the linker gives each of them for a matrix product.
"""
import ctypes
import os
import sys
import time

# The peers choose their own kernels for this processor. OpenBLAS reads these when it is loaded.
for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(variable, None)

import numpy as np

ADVICE = ("as measured the peer would be slower than it is; install OpenBLAS (Debian: apt-get install libopenblas0-pthread), "
          "or give --any-blas to measure it all the same")
MIN_SPEEDUP = 2  # over einsum: OpenBLAS 5 (AVX2) to 10 (AVX-512), the reference BLAS 0.2 to 0.3
PREFIXES, SUFFIXES = ("", "scipy_"), ("", "64_")  # names in OpenBLAS as NumPy's wheels bring it


class SlowBLAS(Exception):
    """A peer that multiplies with a slow BLAS."""


class DlInfo(ctypes.Structure):
    """What dladdr(3) says of an address."""
    _fields_ = [("path", ctypes.c_char_p), ("base", ctypes.c_void_p), ("name", ctypes.c_char_p), ("address", ctypes.c_void_p)]


def symbol(library, name):
    """The function of that name, however decorated, that a loaded library or those it needs define; or None."""
    for full in (prefix + name + suffix for prefix in PREFIXES for suffix in SUFFIXES):
        if hasattr(library, full):
            return getattr(library, full)
    return None


def text(library, name):
    """What a function without arguments returns as text; None if there is none."""
    if function := symbol(library, name):
        function.restype = ctypes.c_char_p
        return function().decode()
    return None


def provider(caller, name):
    """The path of the library in which the library `caller` finds the function: the
    linker looks through what is loaded for all first, then through what the caller needs."""
    for scope in (ctypes.CDLL(None), ctypes.CDLL(caller)):
        if function := symbol(scope, name):
            info = DlInfo()
            dladdr = ctypes.CDLL(None).dladdr
            if dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(info)):
                return os.path.realpath(os.fsdecode(info.path))
    return None


def mapped(part):
    """The path of a loaded library whose file name begins so."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.rstrip("\n").split(maxsplit=5)[5:]
            if path and os.path.basename(path[0]).startswith(part):
                return path[0]
    return None


def speed(product, n, seconds=0.05):
    """The best GFLOPS of a product of n x n by n x n."""
    product()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - begin)
    return 2e-9 * n**3 / best


def describe(path):
    """The kind of BLAS in a library (None: the reference BLAS or an unknown one), its version, kernels and threads."""
    library = ctypes.CDLL(path)
    if config := text(library, "openblas_get_config"):
        return {"blas": " ".join(config.split()[:2]), "kernels": text(library, "openblas_get_corename"),
                "threads": symbol(library, "openblas_get_num_threads")()}
    if version := text(library, "bli_info_get_version_str"):
        return {"blas": "BLIS " + version}
    if hasattr(library, "MKL_Get_Version_String") or hasattr(library, "mkl_get_version"):
        return {"blas": "MKL"}
    return {"blas": None}


def set_threads(path, threads):
    """Sets OpenBLAS's threads: torch.set_num_threads leaves them as they are."""
    if function := symbol(ctypes.CDLL(path), "openblas_set_num_threads"):
        function(threads)


def report(name, version, caller, function, product, threads):
    """Sets one peer's threads and returns what it multiplies with, and how fast on one core."""
    path = provider(caller, function)
    found = {"peer": f"{name} {version}", "path": path or caller, "blas": None}
    if path:
        set_threads(path, 1)
    found["gflops"] = round(speed(product, 256), 1)
    if path:
        set_threads(path, threads)
        found |= describe(path)
    return found


def einsum_gflops(a, b):
    """The yardstick: the same product as NumPy's own loops of dot products."""
    return speed(lambda: np.einsum("ik,jk->ij", a, b), 256)


def judge(found, yardstick, any_blas):
    """Raises SlowBLAS for a slow BLAS, or warns if any_blas."""
    what = f"{found['peer']} multiplies with {found['path']} ({found['blas'] or 'the reference BLAS or an unknown one'})"
    if found["gflops"] < MIN_SPEEDUP * yardstick:
        fault = f"{what} at {found['gflops']:.1f} GFLOPS on one core, where NumPy's einsum does {yardstick:.1f}"
    elif not found["blas"]:
        fault = what
    else:
        return
    if not any_blas:
        raise SlowBLAS(f"{fault}: {ADVICE}")
    found["warning"] = fault
    print(f"bench_peers: WARNING: {fault}: the peer is slower than it could be", file=sys.stderr, flush=True)


def numpy_blas(threads, any_blas):
    """Sets NumPy's threads and returns what it multiplies with."""
    core = sys.modules.get("numpy._core") or sys.modules["numpy.core"]
    a, b = np.ones((2, 256, 256), np.float32)
    c = np.empty_like(a)
    found = report("NumPy", np.__version__, core._multiarray_umath.__file__, "cblas_sgemm", lambda: np.matmul(a, b, out=c), threads)
    judge(found, einsum_gflops(a, b), any_blas)
    return found


def torch_blas(torch, threads, any_blas):
    """Sets PyTorch's threads and its BLAS's, and returns what it multiplies with."""
    a, b = np.ones((2, 256, 256), np.float32)
    A, B, C = torch.from_numpy(a), torch.from_numpy(b), torch.empty(256, 256)
    torch.set_num_threads(1)
    found = report("PyTorch", torch.__version__, mapped("libtorch_cpu."), "sgemm_", lambda: torch.mm(A, B, out=C), threads)
    torch.set_num_threads(threads)
    found["torch_threads"] = torch.get_num_threads()
    found["convolutions"] = "oneDNN" if torch.backends.mkldnn.is_available() else "PyTorch's own"
    if not found["blas"] and torch.backends.mkl.is_available():
        found["blas"] = "MKL"
    judge(found, einsum_gflops(a, b), any_blas)
    return found


def line(found):
    """One line of a table's header."""
    words = [f"{found['peer']}: {found['blas'] or 'the reference BLAS or an unknown one'}"]
    if "kernels" in found:
        words.append(f"kernels {found['kernels']}")
    if "convolutions" in found:
        words.append(f"convolutions {found['convolutions']}")
    words.append(f"{found['gflops']:.0f} GFLOPS on one core")
    threads = [f"{found[key]} {what}" for key, what in (("torch_threads", "PyTorch"), ("threads", "BLAS")) if key in found]
    return ", ".join(words) + (f"; threads: {', '.join(threads)}" if threads else "") + f"\n    {found['path']}" + \
        (f"\n    WARNING: {found['warning']}" if "warning" in found else "")
