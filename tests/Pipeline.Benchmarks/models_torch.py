"""PyTorch's side of `models train`: the same weights, ids and threads; started by the benchmark, which asks for one step at a time.

Usage: models_torch.py FOLDER cpu|cuda, then lines on standard input: forward | step | gemm | peak. On a card weights and activations are
bfloat16, and the optimizer has a float32 copy of the weights. With Debian's python3-torch, install libopenblas0-openmp too: without it
every matrix product runs on one slow kernel.
"""
import json
import os
import struct
import subprocess
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
    types = {"F32": torch.float32, "BF16": torch.bfloat16, "I64": torch.int64}
    tensors = {}
    for name, entry in entries.items():
        begin, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(data[begin:end], dtype=types[entry["dtype"]]).view(entry["shape"]).clone()
    return tensors


class Model:
    def __init__(self, folder, device):
        with open(os.path.join(folder, "config.json")) as file:
            config = json.load(file)
        self.heads = config["num_attention_heads"]
        self.width = config["hidden_size"] // self.heads
        self.layers = config["num_hidden_layers"]
        self.weights = {name: torch.nn.Parameter(tensor.to(device)) for name, tensor in read(os.path.join(folder, "model.safetensors")).items()}
        self.embedding = self.weights["model.embed_tokens.weight"]
        ids = read(os.path.join(folder, "ids.safetensors"))["ids"].to(device)
        self.inputs, self.targets = ids[:, :-1].contiguous(), ids[:, 1:].reshape(-1).contiguous()
        length = self.inputs.shape[1]
        inverse = 10000.0 ** (-torch.arange(0, self.width, 2).float() / self.width)
        angles = torch.outer(torch.arange(length).float(), inverse)
        self.cos, self.sin = (part.to(device, self.embedding.dtype) for part in (angles.cos(), angles.sin()))
        self.mask = torch.full((length, length), float("-inf"), device=device).triu(1)
        self.on_card = device == "cuda"
        self.masters = [torch.nn.Parameter(weight.detach().float()) for weight in self.weights.values()] if self.on_card else list(self.weights.values())
        self.optimizer = torch.optim.AdamW(self.masters, 1e-3, weight_decay=0.01, **({"fused": True} if self.on_card else {}))

    def rms(self, x, name):
        if hasattr(functional, "rms_norm"):
            return functional.rms_norm(x, x.shape[-1:], self.weights[name], 1e-5)
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
        return functional.cross_entropy(self.logits().view(len(self.targets), -1).float(), self.targets)

    def forward(self):
        with torch.no_grad():
            return self.loss().item()

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        if self.on_card:
            for master, weight in zip(self.masters, self.weights.values()):
                master.grad, weight.grad = weight.grad.float(), None
        self.optimizer.step()
        if self.on_card:
            with torch.no_grad():
                for master, weight in zip(self.masters, self.weights.values()):
                    weight.copy_(master)
        return loss.item()


def matrix_speed(device):
    size, kind = (8192, torch.bfloat16) if device == "cuda" else (2048, torch.float32)
    a, b = (torch.randn(size, size, device=device, dtype=kind) for _ in range(2))
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        a @ b
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return 2.0 * size**3 / min(seconds)


def held_of_card():
    """Bytes of the card that this process holds, as its driver counts them."""
    lines = subprocess.run(["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"], capture_output=True, text=True).stdout
    return sum(int(held) << 20 for pid, held in (line.split(", ") for line in lines.splitlines()) if int(pid) == os.getpid())


def main(folder, device):
    torch.set_num_threads(int(os.environ.get("ALM_THREADS", "2")))
    torch.randn(64, 64) @ torch.randn(64, 64)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS:")
    model = Model(folder, device)
    print(torch.__version__, flush=True)
    for line in sys.stdin:
        command = line.strip()
        if command == "peak":
            print(held_of_card() if device == "cuda" else status("VmHWM:") - before, 0, 0, flush=True)
            continue
        if command == "gemm":
            print(matrix_speed(device), 0, 0, flush=True)
            continue
        start, used = time.perf_counter(), time.process_time()
        loss = getattr(model, command)()
        print(time.perf_counter() - start, time.process_time() - used, loss, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
