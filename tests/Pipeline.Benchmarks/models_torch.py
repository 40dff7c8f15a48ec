"""The models of `models train` in PyTorch: same sizes, same threads, same measures. Usage: models_torch.py [1M|5M|20M ...]

With Debian's python3-torch, install libopenblas0-openmp too: without it every matrix product runs on one slow kernel.
"""
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as functional

BATCH, LENGTH = 8, 256
SIZES = {"1M": (128, 4, 4096, 344, 32), "5M": (256, 4, 4096, 688, 64), "20M": (384, 8, 8192, 1024, 64)}


def timed(runs, work):
    work()
    wall, processor = [], []
    for _ in range(runs):
        start, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return wall, processor


class Model:
    def __init__(self, hidden, layers, vocabulary, inner, width):
        self.heads, self.width = hidden // width, width
        self.parameters = []
        matrix = lambda *shape: self.add(torch.randn(*shape) * 0.02)
        one = lambda: self.add(torch.ones(hidden))
        self.embedding = matrix(vocabulary, hidden)
        self.layers = [
            (one(), *(matrix(hidden, hidden) for _ in range(4)), one(), matrix(inner, hidden), matrix(inner, hidden), matrix(hidden, inner))
            for _ in range(layers)
        ]
        self.norm = one()
        inverse = 10000.0 ** (-torch.arange(0, width, 2).float() / width)
        angles = torch.outer(torch.arange(LENGTH).float(), inverse)
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)

    def add(self, tensor):
        self.parameters.append(torch.nn.Parameter(tensor))
        return self.parameters[-1]

    def rms(self, x, weight):
        return x * torch.rsqrt(x.pow(2).mean(-1, True) + 1e-5) * weight

    def rotate(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, b * self.cos + a * self.sin], -1)

    def attend(self, q, k, v):
        if hasattr(functional, "scaled_dot_product_attention"):
            return functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return torch.softmax(q @ k.transpose(-2, -1) * self.width**-0.5 + self.mask, -1) @ v

    def forward(self, ids):
        x = functional.embedding(ids, self.embedding)
        for first, query, key, value, output, second, gate, up, down in self.layers:
            h = self.rms(x, first)
            q, k, v = (functional.linear(h, w).view(BATCH, LENGTH, self.heads, self.width).transpose(1, 2) for w in (query, key, value))
            mixed = self.attend(self.rotate(q), self.rotate(k), v)
            x = x + functional.linear(mixed.transpose(1, 2).reshape(BATCH, LENGTH, -1), output)
            h = self.rms(x, second)
            x = x + functional.linear(functional.silu(functional.linear(h, gate)) * functional.linear(h, up), down)
        return functional.linear(self.rms(x, self.norm), self.embedding)


def run(name):
    size = SIZES[name]
    torch.manual_seed(1)
    model = Model(*size)
    steps = 6 if name == "20M" else 12
    ids = torch.randint(0, size[2], (BATCH, LENGTH + 1))
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].reshape(-1).contiguous()

    def loss():
        return functional.cross_entropy(model.forward(inputs).view(-1, size[2]), targets)

    def forward():
        with torch.no_grad():
            loss()

    optimizer = torch.optim.AdamW(model.parameters, 1e-3, weight_decay=0.01)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    forward_wall, forward_processor = timed(steps, forward)
    train_wall, train_processor = timed(steps, step)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    tokens = BATCH * LENGTH
    count = sum(parameter.numel() for parameter in model.parameters)
    print(
        f"torch {torch.__version__} {name} {count} parameters: forward {tokens / min(forward_wall):.0f} best {tokens / statistics.median(forward_wall):.0f} median tokens/s, "
        f"{tokens / statistics.median(forward_processor):.0f} per processor second; train {tokens / min(train_wall):.0f} best {tokens / statistics.median(train_wall):.0f} median, "
        f"{tokens / statistics.median(train_processor):.0f} per processor second; peak {peak >> 10} MB over the start",
        flush=True,
    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    torch.set_num_threads(int(os.environ.get("ALM_THREADS", "2")))
    for chosen in sys.argv[1:] or SIZES:
        run(chosen)
