"""Makes test/fixtures/checkpoints: one small network saved in every way that occurs in the wild, with true outputs.

usage: CNNT_CODE=<checkout of AzR919/CNNT_Microscopy> python make-checkpoints.py OUT_DIR

Needs torch and safetensors. Each NAME.pt (or .safetensors) has NAME.json (what training would leave beside it) and
NAME.output.npy: the published code in float64 on input.npy with exactly the weights in the file, rounded once.
"""

import json
import os
import pathlib
import sys
import types

for missing in ("wandb", "cv2"):
    sys.modules.setdefault(missing, types.ModuleType(missing))
sys.path[:0] = [os.environ["CNNT_CODE"], os.environ["CNNT_CODE"] + "/models"]

import enhancement_model  # noqa: E402
import numpy as np  # noqa: E402
import safetensors.torch  # noqa: E402
import torch  # noqa: E402

out = pathlib.Path(sys.argv[1])
torch.manual_seed(7)


class Config(dict):
    __getattr__ = dict.__getitem__


def config(**changes):
    base = dict(
        height=[16], width=[16], time=4, blocks=[8, 8], blocks_per_set=1, n_head=2, kernel_size=3, stride=1, padding=1,
        dropout_p=0.1, norm_mode="instance", with_mixer=1, no_residual=False, load_path=None, loss=["mse"],
        loss_weights=[1.0], optim=None, scheduler=None, ct_weight_loss=False, per_scaling=False,
        im_value_scale=[0, 4096], loss_DN=["mse"], loss_DN_weights=[1.0],
    )
    return Config(base | changes)


def network(c):
    model = enhancement_model.CNNT_enhanced_denoising_runtime(c, 100)
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.08)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            torch.nn.init.normal_(buffer, std=0.3)
        if name.endswith("running_var"):
            torch.nn.init.uniform_(buffer, 0.5, 1.5)
    return model.eval()


def weights(model):
    return {k: v for k, v in model.state_dict().items() if not k.endswith("attn.mask")}


image = np.random.default_rng(3).random((1, 3, 1, 16, 20)).astype(np.float32)
np.save(out / "input.npy", image)


def keep(name, c, state, save):
    """Saves, and computes the true output with the weights as stored."""
    model = network(c).double()
    model.load_state_dict({k: v.double() for k, v in state.items()}, strict=False)
    with torch.no_grad():
        y = model(torch.from_numpy(image).double())
    np.save(out / f"{name}.output.npy", y.numpy().astype(np.float32))
    (out / f"{name}.json").write_text(json.dumps({k: v for k, v in c.items() if v is not None}))
    save()


def pt(name, value, **options):
    return lambda: torch.save(value, out / f"{name}.pt", **options)


plain, batch = config(), config(norm_mode="batch")
state = weights(network(plain))

half = {k: v.half() for k, v in state.items()}
keep("half", plain, half, pt("half", half))

brain = {k: v.bfloat16() for k, v in state.items()}
wrapped = {"epoch": 12, "loss": 0.01, "model_state_dict": {f"module.{k}": v for k, v in brain.items()}}
keep("bfloat16-wrapped-module", plain, brain, pt("bfloat16-wrapped-module", wrapped))

norms = weights(network(batch))
doubled = {k: v.double() if v.is_floating_point() else v for k, v in norms.items()}
nested = {"state": {"state_dict": {f"_orig_mod.{k}": v for k, v in doubled.items()}}, "args": ["a", 1, None, True]}
keep("float64-batch-orig-mod", batch, norms, pt("float64-batch-orig-mod", nested["state"]))

last = {k: v.contiguous(memory_format=torch.channels_last) if v.dim() == 4 else v for k, v in state.items()}
keep("channels-last", plain, state, pt("channels-last", last))

flat = torch.cat([torch.zeros(5)] + [v.flatten() for v in state.values()])
views, at = {}, 5
for k, v in state.items():
    views[k] = flat[at : at + v.numel()].view(v.shape)
    at += v.numel()
keep("one-shared-storage", plain, state, pt("one-shared-storage", {"model": views}))

wide = config(kernel_size=5, padding=2, blocks=[4, 4], n_head=4, with_mixer=0)
wide_state = weights(network(wide))
keep("five-by-five-stream", wide, wide_state, pt("five-by-five-stream", wide_state, _use_new_zipfile_serialization=False))

keep("safetensors", plain, half, lambda: safetensors.torch.save_file(half, out / "safetensors.safetensors"))

for protocol in (3, 4):
    name = f"stream-protocol-{protocol}"
    keep(name, plain, half, pt(name, half, pickle_protocol=protocol, _use_new_zipfile_serialization=False))

beside = {
    "loss": torch.tensor(0.125),
    "learning_rate": torch.full((3,), 1e-4),
    "optimizer": {"state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.zeros(4)}}, "param_groups": [{"lr": 1e-4}]},
    "model_state_dict": half,
}
keep("tensors-beside", plain, half, pt("tensors-beside", beside))

ema = {"ema": {k: v * 2 for k, v in half.items()}, "model": {f"_orig_mod.module.{k}": v for k, v in half.items()}}
keep("average-beside", plain, half, pt("average-beside", ema))
