"""Small bioimage.io models of other people's kinds, for test/fixtures/zoo: ONNX weights, a description of format 0.4 or
0.5, and test tensors whose output bioimageio.core computes (numpy by the format's text where it cannot).

    python make-zoo-models.py FOLDER      (numpy, onnx, onnxruntime, bioimageio.core)
"""

import hashlib
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import yaml
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(7)


def smoothing(folder, axes, sizes, names=("in.1", "out.2")):
    """A 3-wide mean over y and x (and z), padded with zeros, and a bias; channels last where the axes say so."""
    spatial = 3 if "z" in axes or "t" in axes else 2
    kernel = np.full((1, 1) + (3,) * spatial, 1 / 3**spatial, np.float32)
    shape = [None if size is None else size for size in sizes]
    first = "".join(a for a in axes if a != "c")
    to_first = [axes.index(a) for a in first[0] + "c" + first[1:]]
    back = [(first[0] + "c" + first[1:]).index(a) for a in axes]
    graph = helper.make_graph(
        [
            helper.make_node("Transpose", [names[0]], ["a"], perm=to_first),
            helper.make_node("Conv", ["a", "kernel", "bias"], ["b"], pads=[1] * 2 * spatial),
            helper.make_node("Transpose", ["b"], [names[1]], perm=back),
        ],
        "smoothing",
        [helper.make_tensor_value_info(names[0], TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(names[1], TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(np.array([0.25], np.float32), "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / "weights.onnx")


def sha(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def common(name, version):
    return {
        "type": "model",
        "format_version": version,
        "name": name,
        "description": "a small model for tests",
        "authors": [{"name": "cnnt-edge"}],
        "cite": [{"text": "none", "url": "https://example.org"}],
        "license": "Apache-2.0",
        "documentation": "README.md",
        "tags": ["test"],
        "timestamp": "2026-01-01T00:00:00",
    }


def write(folder, rdf, test_input, post):
    """The output by the format's own words; bioimageio.core is asked afterwards whether it agrees."""
    np.save(folder / "test_input.npy", test_input)
    (folder / "README.md").write_text("# A small model for tests\n\n## Validation\n\nNone.\n")
    session = onnxruntime.InferenceSession(str(folder / "weights.onnx"))
    pre, after = post
    image = test_input.astype(np.float64)
    raw = session.run(None, {session.get_inputs()[0].name: pre(image).astype(np.float32)})[0]
    np.save(folder / "test_output.npy", after(raw.astype(np.float64), image).astype(np.float32))
    (folder / "rdf.yaml").write_text(yaml.safe_dump(rdf, sort_keys=False))


def v05(name, axes_in, axes_out, before, after, folder):
    return {
        **common(name, "0.5.4"),
        "inputs": [{"id": "noisy", "axes": axes_in, "test_tensor": {"source": "test_input.npy"}, "preprocessing": before}],
        "outputs": [{"id": "clean", "axes": axes_out, "test_tensor": {"source": "test_output.npy"}, "postprocessing": after}],
        "weights": {"onnx": {"source": "weights.onnx", "sha256": sha(folder / "weights.onnx"), "opset_version": 17}},
    }


def v04(name, inputs, outputs, folder):
    return {
        **common(name, "0.4.10"),
        "inputs": [inputs],
        "outputs": [outputs],
        "test_inputs": ["test_input.npy"],
        "test_outputs": ["test_output.npy"],
        "weights": {"onnx": {"source": "weights.onnx", "sha256": sha(folder / "weights.onnx"), "opset_version": 17}},
    }


def space(axis, minimum, step):
    return {"type": "space", "id": axis, "size": {"min": minimum, "step": step}}


def like(axis, halo=0):
    return {
        "type": "space",
        "id": axis,
        "size": {"tensor_id": "noisy", "axis_id": axis},
        **({"halo": halo} if halo else {}),
    }


channel = {"type": "channel", "channel_names": ["intensity"]}
batch = {"type": "batch"}


def image(*shape):
    return rng.poisson(40 + 30 * np.sin(np.indices(shape).sum(0) / 5)).astype(np.float32)


def planes(root):
    """2-D, any size: standardized plane by plane, nothing after."""
    folder = root / "planes-05"
    folder.mkdir()
    smoothing(folder, "bcyx", ["b", 1, "y", "x"])
    axes = [batch, channel, space("y", 16, 8), space("x", 16, 8)]
    before = [
        {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
        {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["channel", "y", "x"]}},
    ]
    rdf = v05("planes", axes, [batch, channel, like("y", 1), like("x", 1)], before, [], folder)
    write(folder, rdf, image(1, 1, 24, 32), (lambda x: (x - x.mean()) / (x.std() + 1e-6), lambda y, x: y))


def stacks(root):
    """3-D: percentiles of the stack, clipped; a linear map after."""
    folder = root / "stacks-05"
    folder.mkdir()
    smoothing(folder, "bczyx", ["b", 1, "z", "y", "x"])
    axes = [batch, channel, space("z", 4, 2), space("y", 8, 4), space("x", 8, 4)]
    before = [
        {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}},
        {"id": "scale_range", "kwargs": {"axes": ["channel", "z", "y", "x"], "min_percentile": 2, "max_percentile": 98}},
        {"id": "clip", "kwargs": {"min": 0.0, "max": 1.0}},
    ]
    after = [{"id": "scale_linear", "kwargs": {"gain": 100.0, "offset": -3.0}}]
    out = [batch, channel, like("z", 1), like("y", 1), like("x", 1)]

    def pre(x):
        low, high = np.percentile(x, [2, 98])
        return np.clip((x - low) / (high - low + 1e-6), 0, 1)

    write(folder, v05("stacks", axes, out, before, after, folder), image(1, 1, 6, 16, 20), (pre, lambda y, x: 100 * y - 3))


def last(root):
    """Format 0.4, channels last: standardized, and given the input's mean and variance again."""
    folder = root / "channels-last-04"
    folder.mkdir()
    smoothing(folder, "bzyxc", ["b", "z", "y", "x", 1])
    inputs = {
        "name": "raw",
        "axes": "bzyxc",
        "data_type": "float32",
        "data_range": [float("-inf"), float("inf")],
        "shape": {"min": [1, 4, 8, 8, 1], "step": [0, 2, 4, 4, 0]},
        "preprocessing": [{"name": "zero_mean_unit_variance", "kwargs": {"mode": "per_sample", "axes": "zyx"}}],
    }
    outputs = {
        "name": "denoised",
        "axes": "bzyxc",
        "data_type": "float32",
        "data_range": [float("-inf"), float("inf")],
        "halo": [0, 1, 1, 1, 0],
        "shape": {"reference_tensor": "raw", "scale": [1, 1, 1, 1, 1], "offset": [0, 0, 0, 0, 0]},
        "postprocessing": [
            {"name": "scale_mean_variance", "kwargs": {"mode": "per_sample", "reference_tensor": "raw", "axes": "zyx"}}
        ],
    }
    write(
        folder,
        v04("channels last", inputs, outputs, folder),
        image(1, 6, 16, 20, 1),
        (
            lambda x: (x - x.mean()) / (x.std() + 1e-6),
            lambda y, x: (y - y.mean()) / (y.std() + 1e-6) * (x.std() + 1e-6) + x.mean(),
        ),
    )


def planes_last_05(root):
    """2-D, channels last: standardized plane by plane, a linear map after."""
    folder = root / "planes-last-05"
    folder.mkdir()
    smoothing(folder, "byxc", ["b", "y", "x", 1])
    axes = [batch, space("y", 16, 8), space("x", 16, 8), channel]
    before = [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["channel", "y", "x"]}}]
    after = [{"id": "scale_linear", "kwargs": {"gain": 20.0, "offset": 40.0}}]
    rdf = v05("planes channels last", axes, [batch, like("y", 1), like("x", 1), channel], before, after, folder)
    write(
        folder,
        rdf,
        image(1, 24, 32, 1),
        (lambda x: (x - x.mean()) / (x.std() + 1e-6), lambda y, x: 20 * y + 40),
    )


def planes_last_04(root):
    """Format 0.4, 2-D, channels last: percentiles of each plane, a sigmoid after."""
    folder = root / "planes-last-04"
    folder.mkdir()
    smoothing(folder, "byxc", ["b", "y", "x", 1])
    tensor = {"axes": "byxc", "data_type": "float32", "data_range": [float("-inf"), float("inf")]}
    percentiles = {"mode": "per_sample", "axes": "yxc", "min_percentile": 5, "max_percentile": 95}
    inputs = {
        "name": "raw",
        **tensor,
        "shape": {"min": [1, 8, 8, 1], "step": [0, 4, 4, 0]},
        "preprocessing": [{"name": "scale_range", "kwargs": percentiles}],
    }
    outputs = {
        "name": "denoised",
        **tensor,
        "halo": [0, 1, 1, 0],
        "shape": {"reference_tensor": "raw", "scale": [1, 1, 1, 1], "offset": [0, 0, 0, 0]},
        "postprocessing": [{"name": "sigmoid"}],
    }

    def pre(x):
        low, high = np.percentile(x, [5, 95])
        return (x - low) / (high - low + 1e-6)

    write(folder, v04("planes channels last", inputs, outputs, folder), image(1, 16, 20, 1), (pre, lambda y, x: 1 / (1 + np.exp(-y))))


def fixed(root):
    """Format 0.4, one size only: stated mean and deviation, a sigmoid after."""
    folder = root / "fixed-size-04"
    folder.mkdir()
    smoothing(folder, "bcyx", [1, 1, 32, 32])
    inputs = {
        "name": "raw",
        "axes": "bcyx",
        "data_type": "float32",
        "data_range": [float("-inf"), float("inf")],
        "shape": [1, 1, 32, 32],
        "preprocessing": [
            {"name": "zero_mean_unit_variance", "kwargs": {"mode": "fixed", "axes": "yx", "mean": 40.0, "std": 12.5}}
        ],
    }
    outputs = {
        "name": "probability",
        "axes": "bcyx",
        "data_type": "float32",
        "data_range": [0.0, 1.0],
        "halo": [0, 0, 4, 4],
        "shape": [1, 1, 32, 32],
        "postprocessing": [{"name": "sigmoid"}],
    }
    write(
        folder,
        v04("fixed size", inputs, outputs, folder),
        image(1, 1, 32, 32),
        (lambda x: (x - 40) / (12.5 + 1e-6), lambda y, x: 1 / (1 + np.exp(-y))),
    )


def agree(root):
    from bioimageio.core import test_model

    for folder in sorted(root.iterdir()):
        summary = test_model(folder / "rdf.yaml", weight_format="onnx")
        failed = [e.msg for d in summary.details if d.status == "failed" for e in d.errors]
        print(folder.name, summary.status, *failed[:2])


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    root.mkdir(parents=True, exist_ok=True)
    for make in (planes, stacks, last, fixed, planes_last_05, planes_last_04):
        make(root)
    agree(root)
