"""PyTorch's side of `cargo xtask speed`: the same work, timed alternately with ours.

Usage: torch_peer.py cpu|cuda

Prints {"ready": ...}, then answers each line of JSON with {"seconds": s} for one repetition:
  {"case": "step", "members": R, "threads": T}       a step of MLP 784-400-400-10, batch 128, Adam, of R networks
  {"case": "product", "shape": [b, m, k, n], "threads": T}
  {"case": "relu" | "tanh" | "softmax" | "adam", "shape": [...], "threads": T}; softmax over rows, adam fused
Anything else is answered with {"seconds": null}.
Steps gather their rows by index from images kept as bytes on the device. Steps are eager with fused
Adam; on CUDA the faster of eager and a CUDA graph of 20 steps counts, in f32 without TF32.
"""

import json
import sys
import time

SIZES = [784, 400, 400, 10]
ROWS, IMAGES, GRAPH_STEPS = 128, 12_000, 20
ROUND = 0.2  # seconds


def population(torch, device, members):
    """A closure that takes one step with all members."""
    shape = [members] if members > 1 else []
    generator = torch.Generator().manual_seed(0)
    parameters = []
    for inputs, outputs in zip(SIZES, SIZES[1:]):
        bound = inputs**-0.5
        for size in ([inputs, outputs], [1, outputs] if members > 1 else [outputs]):
            values = (torch.rand(shape + size, generator=generator) * 2 - 1) * bound
            parameters.append(values.to(device).requires_grad_())
    images = (torch.arange(IMAGES * SIZES[0]) * 7919 % 251).to(torch.uint8).view(IMAGES, -1).to(device)
    rows = (torch.arange(ROWS) * 89).repeat(members) + torch.arange(members).repeat_interleave(ROWS)
    rows = (rows % IMAGES).to(device)
    target = (torch.arange(ROWS) % 10).repeat(members).to(device)
    adam = torch.optim.Adam(parameters, lr=1e-3, fused=True, capturable=device == "cuda")

    def step():
        rows.add_(4999).remainder_(IMAGES)
        x = images.index_select(0, rows).to(torch.float32).mul_(1 / 255)
        x = x.view(shape + [ROWS, SIZES[0]])
        for layer in range(3):
            weight, bias = parameters[2 * layer : 2 * layer + 2]
            x = torch.baddbmm(bias, x, weight) if members > 1 else torch.addmm(bias, x, weight)
            x = torch.relu(x) if layer < 2 else x
        logits = x.reshape(-1, SIZES[-1])
        loss = torch.nn.functional.cross_entropy(logits, target, reduction="sum") / ROWS
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()

    return step


def captured(torch, step):
    """The replay of 20 steps as one CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(GRAPH_STEPS):
            step()
    return graph.replay


def product(torch, device, shape):
    b, m, k, n = shape
    batch = [b] if b > 1 else []
    x = torch.full(batch + [m, k], 0.5, device=device)
    y = torch.full(batch + [k, n], 0.25, device=device)
    out = torch.empty(batch + [m, n], device=device)
    return lambda: torch.matmul(x, y, out=out)


def one_pass(torch, device, name, shape):
    x = torch.full(shape, 0.5, device=device)
    if name == "adam":
        x.requires_grad_()
        x.grad = torch.full(shape, 0.01, device=device)
        return torch.optim.Adam([x], lr=1e-3, fused=True).step
    out = torch.empty(shape, device=device)
    if name == "softmax":
        return lambda: torch.softmax(x, -1, out=out)
    if name == "relu":
        return lambda: torch.clamp_min(x, 0, out=out)
    return lambda: torch.tanh(x, out=out)


def timed(torch, device, run):
    """A closure that runs for a round and gives the seconds of one run."""

    def seconds(times):
        start = time.perf_counter()
        for _ in range(times):
            run()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    times = 1
    while (took := seconds(times)) < ROUND / 4:
        times *= 2
    times = max(1, round(ROUND * times / took))
    return lambda: seconds(times) / times


def ways(torch, device, case):
    """How the case can be run: repetitions of one run, and its timing."""
    if case["case"] == "product":
        return [(1, timed(torch, device, product(torch, device, case["shape"])))]
    if case["case"] in ("relu", "tanh", "softmax", "adam"):
        return [(1, timed(torch, device, one_pass(torch, device, case["case"], case["shape"])))]
    if case["case"] != "step":
        return []
    step = population(torch, device, case["members"])
    step()
    eager = [(1, timed(torch, device, step))]
    if device != "cuda":
        return eager
    replay = captured(torch, population(torch, device, case["members"]))
    return eager + [(GRAPH_STEPS, timed(torch, device, replay))]


def main():
    try:
        import torch
    except ImportError as error:
        return print(json.dumps({"error": f"PyTorch is not there: {error}"}))
    device = sys.argv[1]
    if device == "cuda" and not torch.cuda.is_available():
        return print(json.dumps({"error": "PyTorch sees no CUDA device"}))
    print(json.dumps({"ready": f"PyTorch {torch.__version__}"}), flush=True)
    last, known = None, []
    for line in sys.stdin:
        case = json.loads(line)
        if line != last:
            torch.set_num_threads(case.get("threads", 1))
            last, known = line, ways(torch, device, case)
        seconds = min((way() / repetitions for repetitions, way in known), default=None)
        print(json.dumps({"seconds": seconds}), flush=True)


main()
