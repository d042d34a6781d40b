"""Times the published CNNT code in torch, for bench/against-torch.ts.

usage: CNNT_CODE=<checkout of AzR919/CNNT_Microscopy> python against-torch.py JOB.json

JOB: weights, config (what training left beside them), threads, tile [T, H, W] in `tile.npy`, volume [Z, Y, X], and
settings [{name, tile, overlap}]. The whole volume takes too long to be run as it is published, so its tiling is run on a
corner of the volume that has some of the tiles; all tiles are of one shape and cost the same. Prints JSON.
"""

import contextlib
import io
import json
import os
import pathlib
import sys
import time
import types

for missing in ("wandb", "cv2"):
    sys.modules.setdefault(missing, types.ModuleType(missing))
sys.path[:0] = [os.environ["CNNT_CODE"], os.environ["CNNT_CODE"] + "/models"]

import enhancement_model  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from running_inference import running_inference  # noqa: E402


class Config(dict):
    __getattr__ = dict.__getitem__


job = json.loads(pathlib.Path(sys.argv[1]).read_text())
torch.set_num_threads(job["threads"])
config = Config(load_path=None, optim=None, scheduler=None, ct_weight_loss=False, loss=["mse"], loss_weights=[1.0],
                loss_DN=["mse"], loss_DN_weights=[1.0], im_value_scale=[0, 65536])
config.update(json.loads(pathlib.Path(job["config"]).read_text()))
with contextlib.redirect_stdout(io.StringIO()):
    model = enhancement_model.CNNT_enhanced_denoising_runtime(config, 100).eval()
model.load_state_dict(torch.load(job["weights"], map_location="cpu", weights_only=True), strict=False)
tile = np.load(job["tile"])
image = torch.from_numpy(tile)[None, :, None]


def seconds(run, rounds):
    global output
    run()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        output = run()
        times.append(time.perf_counter() - begin)
    # The best: whatever else the machine does only adds.
    return min(times)


@torch.no_grad()
def published():
    # As the evaluation of the published code calls it.
    return model(image)


@torch.inference_mode()
def inference():
    return model(image)


@torch.inference_mode()
def half():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return model(image)


answer = {"torch": torch.__version__, "threads": torch.get_num_threads(), "tiles": {}, "volumes": []}
rounds = job["rounds"]
answer["tiles"]["as published"] = seconds(published, rounds)
np.save(job["out"], output.float().numpy()[0, :, 0])
if job["best"]:
    answer["tiles"]["inference_mode"] = seconds(inference, rounds)
    answer["tiles"]["inference_mode, bfloat16 autocast"] = seconds(half, rounds)

for setting in job["settings"]:
    steps = [t - o for t, o in zip(setting["tile"], setting["overlap"])]
    count = [n // s + 1 for n, s in zip(job["volume"], steps)]
    some = setting["some"]
    corner = [min(n, s * k - 1) for n, s, k in zip(job["volume"], steps, some)]
    begin = time.perf_counter()
    with torch.no_grad():
        running_inference(model, np.resize(tile, corner).astype(np.float32), tuple(setting["tile"]),
                          tuple(setting["overlap"]), batch_size=1)
    spent = time.perf_counter() - begin
    ran = int(np.prod([n // s + 1 for n, s in zip(corner, steps)]))
    answer["volumes"].append({"name": setting["name"], "ran": ran, "of": int(np.prod(count)), "seconds": spent})

def attempt(name, run):
    try:
        answer["tiles"][name] = seconds(run, rounds)
    except Exception as error:  # noqa: BLE001 - the reason is the result
        answer["tiles"][name] = "fails: " + str(error).splitlines()[0].split(" (")[0][:100]


def conv_weights(memory_format):
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(memory_format=memory_format)


if job["best"]:
    conv_weights(torch.channels_last)
    attempt("inference_mode, channels_last weights", inference)
    conv_weights(torch.contiguous_format)
if job["compile"]:
    model = torch.compile(model)
    attempt("inference_mode, torch.compile", inference)
    attempt("the same, bfloat16 autocast", half)
print(json.dumps(answer))
