"""Makes test/fixtures/labs: the weights of test/fixtures/checkpoints/half.pt as labs' training scripts save them.

usage: python make-lab-checkpoints.py test/fixtures/checkpoints/half.pt OUT_DIR     (needs torch and numpy)
"""

import argparse
import collections
import datetime
import pathlib
import random
import sys

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

weights, out = torch.load(sys.argv[1]), pathlib.Path(sys.argv[2])


class Tree(torch.nn.Module):
    """A module whose state dict is the given one."""

    def __init__(self, state):
        super().__init__()
        below = collections.defaultdict(dict)
        for name, tensor in state.items():
            first, _, rest = name.partition(".")
            if rest:
                below[first][rest] = tensor
            else:
                self.register_parameter(first, torch.nn.Parameter(tensor.clone()))
        for name, inner in below.items():
            self.add_module(name, Tree(inner))


network = Tree(weights)
torch.save(AveragedModel(network).state_dict(), out / "swa.pt")


class Lightning(torch.nn.Module):
    """What a LightningModule's state dict holds where its loss and its metric have tensors."""

    def __init__(self):
        super().__init__()
        self.denoiser = network
        self.loss_fn = torch.nn.Conv2d(1, 2, 3)
        self.train_psnr = torch.nn.Module()
        self.train_psnr.register_buffer("total", torch.tensor(3))


module = Lightning()
optimizer = torch.optim.SGD(module.loss_fn.parameters(), lr=1e-3, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 5)
optimizer.zero_grad()
module.loss_fn(torch.zeros(1, 1, 3, 3)).sum().backward()
optimizer.step()
torch.save(
    {
        "epoch": 11,
        "global_step": 132,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": module.state_dict(),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 12}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'val'}": {"best_model_score": torch.tensor(0.25), "dirpath": "/home/anna"}},
        "optimizer_states": [optimizer.state_dict()],
        "lr_schedulers": [scheduler.state_dict()],
        "hparams_name": "kwargs",
        "hyper_parameters": {"lr": 1e-3, "patch": (16, 64, 64)},
    },
    out / "lightning.ckpt",
)

both = {"initted": torch.tensor(True), "step": torch.tensor(900)}
both |= {f"online_model.{name}": tensor for name, tensor in weights.items()}
both |= {f"ema_model.{name}": tensor * 2 for name, tensor in weights.items()}
torch.save(both, out / "ema-and-online.pt")

half = len(weights) // 2
torch.save(
    {
        "teacher": dict(list(weights.items())[:half]),
        "discriminator": torch.nn.Conv2d(1, 2, 3).state_dict(),
        "student": {f"net.module._orig_mod.{name}": tensor for name, tensor in weights.items()},
    },
    out / "part-of-one-beside.pt",
)


def made():
    return collections.defaultdict(list, {"loss": [0.5, 0.25]})


beside = {
    "counter": collections.Counter(cells=3, nuclei=1),
    "made": made(),
    "device": torch.device("cuda", 1),
    "dtype": torch.bfloat16,
    "shape": torch.Size([16, 64, 64]),
    "set": {"a", "b"},
    "frozen": frozenset([1, 2]),
    "bytes": b"\x00\xff",
    "bytearray": bytearray(b"abc"),
    "complex": 1 + 2j,
    "large": 2**70,
    "larger": -(3**400),
    "largest": 7**5000,
    "loss": np.float64(0.125),
    "array": np.arange(6).reshape(2, 3),
    "flags": [None, True, False, -1, 70000, 2**40, 1e-300],
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "complex tensor": torch.ones(2, dtype=torch.complex64),
    "shorts": torch.ones(2, dtype=torch.uint16),
    "sparse": torch.eye(3).to_sparse(),
    "expanded": torch.ones(1).expand(1000, 1000),
    "generators": (torch.get_rng_state()[:16], random.getstate()[0], np.random.get_state()[1][:4]),
    "when": datetime.datetime(2026, 1, 2, 3, 4, 5),
    "where": pathlib.PurePosixPath("/data/x"),
    "args": argparse.Namespace(lr=0.1, blocks=[8, 8]),
    "model": weights,
}
torch.save(beside, out / "values-beside.pt")
torch.save(beside, out / "values-beside-protocol-5.pt", pickle_protocol=5)
for unknown in ("sparse", "shorts"):
    beside.pop(unknown)
torch.save(beside, out / "values-beside-stream.pt", _use_new_zipfile_serialization=False)

torch.save({name: t[:1].clone().expand(t.shape) if t.dim() == 4 else t for name, t in weights.items()}, out / "expanded.pt")
