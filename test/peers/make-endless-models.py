"""Models for test/fixtures/endless that take time or memory without end: sound ONNX, tiny files.

    python make-endless-models.py FOLDER      (onnx)
"""

import pathlib
import sys

import onnx
from onnx import TensorProto, helper, numpy_helper
import numpy as np


def save(folder, name, nodes, initializers):
    shape = ["b", 1, "y", "x"]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("in.1", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out.2", TensorProto.FLOAT, shape)],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, folder / f"{name}.onnx")


def constant(name, value, kind=np.int64):
    return numpy_helper.from_array(np.array(value, kind), name)


def loop(folder):
    """10^13 turns of nothing."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["go_on_out"]),
            helper.make_node("Identity", ["kept"], ["kept_out"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("kept", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("kept_out", TensorProto.FLOAT, None),
        ],
    )
    nodes = [helper.make_node("Loop", ["turns", "yes", "in.1"], ["out.2"], body=body)]
    save(folder, "loop", nodes, [constant("turns", 10**13), constant("yes", True, np.bool_)])


def memory(folder):
    """Four billion bytes of ones whose mean is added; the size depends on the input, so that nothing is folded."""
    nodes = [
        helper.make_node("Shape", ["in.1"], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["batch"]),
        helper.make_node("Mul", ["batch", "many"], ["length"]),
        helper.make_node("ConstantOfShape", ["length"], ["ones"], value=helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])),
        helper.make_node("ReduceMean", ["ones"], ["mean"], keepdims=0),
        helper.make_node("Add", ["in.1", "mean"], ["out.2"]),
    ]
    save(folder, "memory", nodes, [constant("first", [0]), constant("many", [10**9])])


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    loop(folder)
    memory(folder)
