"""Applies the edit of activations in sea.safetensors to a model of Hugging Face's library.

    model = AutoModelForCausalLM.from_pretrained(folder)
    import sea_edit
    sea_edit.attach(model, folder)

Needs torch alone. The arithmetic is tested against the program that wrote this file; the hooks have not been tried with the library itself.
"""
import json
import os
import struct

import torch


def read(path):
    """The file's metadata, and its tensors by name."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    about = header.pop("__metadata__")
    if about.get("format") != "alm-sea" or about.get("version") != "1":
        raise ValueError(f"{path}: not an edit of version 1")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin).reshape(entry["shape"])
    return about, tensors


def _map(name, x):
    if name == "SquaredExponential":
        return torch.exp(x * x * -0.5)
    if name == "Tanh":
        return torch.tanh(x)
    if name == "Elu":
        return torch.where(x >= 0, x, torch.expm1(torch.clamp(x, max=0)))
    return x


def _invert_side(name, y, eps):
    if name == "SquaredExponential":
        return -2 * torch.log(torch.clamp(y, min=eps))
    if name == "Tanh":
        return torch.atanh(torch.clamp(y, -1 + eps, 1 - eps))
    if name == "Elu":
        return torch.where(y >= 0, y, torch.log(torch.clamp(y, min=-1 + eps) + 1))
    return y


def _invert(name, y, unedited, eps):
    if name != "SquaredExponential":
        return _invert_side(name, y, eps)
    size = torch.sqrt(torch.clamp(-2 * torch.log(torch.clamp(y, eps, 1.0)), min=0))
    return torch.where(unedited < 0, -size, size)


def edit(hidden, positive, negative, about):
    """Edits activations [.., d], each row alone."""
    eps, name = float(about["epsilon"]), about["map"]
    h = hidden.to(torch.float32)
    positive, negative = positive.to(h.device), negative.to(h.device)
    features = _map(name, h)
    kept = features @ positive @ positive.T
    dropped = features - features @ negative @ negative.T
    if about["combine"] == "Feature" or name == "Identity":
        y = _invert(name, kept + dropped, h, eps)
    else:
        y = _invert_side(name, kept, eps) + _invert_side(name, dropped, eps)
    if about["renormalise"] == "true":
        length = torch.linalg.vector_norm(y, dim=-1, keepdim=True)
        scaled = y * (torch.linalg.vector_norm(h, dim=-1, keepdim=True) / length)
        y = torch.where(length == 0, h, scaled)
    return y.to(hidden.dtype)


def attach(model, folder):
    """Edits every forward pass of a decoder of the library; gives the hooks' handles, whose remove() takes the edit away."""
    about, tensors = read(os.path.join(folder, "sea.safetensors"))
    handles = []
    for layer in about["layers"].split(","):
        positive, negative = tensors[f"layer{layer}.positive"], tensors[f"layer{layer}.negative"]

        def hook(module, inputs, output, positive=positive, negative=negative):
            if isinstance(output, tuple):
                return (edit(output[0], positive, negative, about), *output[1:])
            return edit(output, positive, negative, about)

        block = model.model.layers[int(layer)]
        handles.append((block if about["place"] == "Residual" else block.mlp).register_forward_hook(hook))
    return handles
