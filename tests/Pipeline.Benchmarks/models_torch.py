"""PyTorch's side of `models train`: the same weights, ids and threads; started by the benchmark, which asks for one step at a time.

Usage: models_torch.py FOLDER, then lines on standard input: forward | step | sgemm | peak. With Debian's python3-torch, install
libopenblas0-openmp too: without it every matrix product runs on one slow kernel.
"""
import json
import os
import struct
import sys
import time

import torch
import torch.nn.functional as functional


def status(key):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entries = json.loads(file.read(length))
        data = bytearray(file.read())
    entries.pop("__metadata__", None)
    types = {"F32": torch.float32, "I64": torch.int64}
    tensors = {}
    for name, entry in entries.items():
        begin, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(data[begin:end], dtype=types[entry["dtype"]]).view(entry["shape"]).clone()
    return tensors


class Model:
    def __init__(self, folder):
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
        self.heads = config["num_attention_heads"]
        self.width = config["hidden_size"] // self.heads
        self.layers = config["num_hidden_layers"]
        self.weights = {name: torch.nn.Parameter(tensor) for name, tensor in read(os.path.join(folder, "model.safetensors")).items()}
        self.embedding = self.weights["model.embed_tokens.weight"]
        ids = read(os.path.join(folder, "ids.safetensors"))["ids"]
        self.inputs, self.targets = ids[:, :-1].contiguous(), ids[:, 1:].reshape(-1).contiguous()
        length = self.inputs.shape[1]
        inverse = 10000.0 ** (-torch.arange(0, self.width, 2).float() / self.width)
        angles = torch.outer(torch.arange(length).float(), inverse)
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((length, length), float("-inf")).triu(1)
        self.optimizer = torch.optim.AdamW(self.weights.values(), 1e-3, weight_decay=0.01)

    def rms(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, True) + 1e-5) * self.weights[name]

    def rotate(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, b * self.cos + a * self.sin], -1)

    def attend(self, q, k, v):
        if hasattr(functional, "scaled_dot_product_attention"):
            return functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return torch.softmax(q @ k.transpose(-2, -1) * self.width**-0.5 + self.mask, -1) @ v

    def logits(self):
        batch, length = self.inputs.shape
        x = functional.embedding(self.inputs, self.embedding)
        for i in range(self.layers):
            prefix = f"model.layers.{i}."
            linear = lambda h, name: functional.linear(h, self.weights[prefix + name + ".weight"])
            h = self.rms(x, prefix + "input_layernorm.weight")
            q, k, v = (linear(h, f"self_attn.{n}_proj").view(batch, length, self.heads, self.width).transpose(1, 2) for n in "qkv")
            mixed = self.attend(self.rotate(q), self.rotate(k), v)
            x = x + linear(mixed.transpose(1, 2).reshape(batch, length, -1), "self_attn.o_proj")
            h = self.rms(x, prefix + "post_attention_layernorm.weight")
            x = x + linear(functional.silu(linear(h, "mlp.gate_proj")) * linear(h, "mlp.up_proj"), "mlp.down_proj")
        return functional.linear(self.rms(x, "model.norm.weight"), self.embedding)

    def loss(self):
        return functional.cross_entropy(self.logits().view(len(self.targets), -1), self.targets)

    def forward(self):
        with torch.no_grad():
            return self.loss().item()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def matrix_speed():
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2.0 * 2048**3 / min(seconds)


def main(folder):
    torch.set_num_threads(int(os.environ.get("ALM_THREADS", "2")))
    torch.randn(64, 64) @ torch.randn(64, 64)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS:")
    model = Model(folder)
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        command = line.strip()
        if command == "peak":
            print(status("VmHWM:") - before, 0, 0, flush=True)
            continue
        if command == "sgemm":
            print(matrix_speed(), 0, 0, flush=True)
            continue
        start, used = time.perf_counter(), time.process_time()
        loss = getattr(model, command)()
        print(time.perf_counter() - start, time.process_time() - used, loss, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
