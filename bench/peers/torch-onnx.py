"""Exports a CNNT with the published code and torch.onnx, for bench/graph-rewrites.ts to compare with.

usage: CNNT_CODE=<checkout of AzR919/CNNT_Microscopy> python torch-onnx.py OUT_DIR

Only batch norm: torch.onnx refuses the published instance norm on varying shapes. Writes OUT_DIR/{batch.pt,batch.json,
batch.onnx}: a default-size network with random weights.
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
import torch  # noqa: E402


class Config(dict):
    __getattr__ = dict.__getitem__


out = pathlib.Path(sys.argv[1])
c = Config(
    height=[64], width=[64], time=8, blocks=[32, 64, 96], blocks_per_set=4, n_head=8, kernel_size=3, stride=1, padding=1,
    dropout_p=0.0, norm_mode="batch", with_mixer=1, no_residual=False, load_path=None, loss=["mse"], loss_weights=[1.0],
    optim=None, scheduler=None, ct_weight_loss=False, per_scaling=False, im_value_scale=[0, 65536], loss_DN=["mse"],
    loss_DN_weights=[1.0],
)
model = enhancement_model.CNNT_enhanced_denoising_runtime(c, 100).eval()
state = {k: v for k, v in model.state_dict().items() if not k.endswith("attn.mask")}
torch.save(state, out / "batch.pt")
(out / "batch.json").write_text(json.dumps({k: v for k, v in c.items() if v is not None}))
axes = {0: "B", 1: "T", 3: "H", 4: "W"}
torch.onnx.export(
    model, (torch.randn(1, 4, 1, 64, 64),), out / "batch.onnx", opset_version=17, dynamo=False, input_names=["image"],
    output_names=["output"], dynamic_axes={"image": axes, "output": axes},
)
