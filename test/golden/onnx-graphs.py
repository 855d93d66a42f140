"""Answers of ONNX graphs by onnx's reference evaluator, which is numpy and has nothing of onnxruntime.

Written with Python 3.11, onnx 1.23.1, numpy 2.4.6; the argument is the folder that holds the `models-*` folders:
    python test/golden/onnx-graphs.py ../shared/data > test/golden/onnx-graphs.json

Each case has the file, its inputs, and the outputs: nested lists of the graph's own shapes.
"""

import json
import sys
from pathlib import Path

import numpy
import onnx
from onnx.reference import ReferenceEvaluator

folder = Path(sys.argv[1])
rng = numpy.random.default_rng(5)


def floats(*shape):
    return numpy.round(rng.normal(0, 2, shape), 3)


ZERO_ROW = floats(2, 8)
ZERO_ROW[0] = 0
FIVE_ROW = numpy.round(rng.random((2, 8)), 3)
FIVE_ROW[0] = [1, 1, 1, 0, 1, 0, 0.5, 0.5]

INPUTS = {
    "models-ankane/onnx/sigmoid.onnx": [{"x": floats(3, 4, 5)}],
    "models-ankane/onnx/mul_1.onnx": [{"X": floats(3, 2)}],
    "models-ankane/onnx/logical_and.onnx": [
        {"input:0": numpy.array([[True, True], [False, False]]), "input1:0": numpy.array([[True, False], [True, False]])}
    ],
    "models-onnxruntime-go/example_0_dim_output.onnx": [{"x": ZERO_ROW}, {"x": FIVE_ROW}],
    "models-onnxruntime-go/example_big_fanout.onnx": [{"input": floats(1, 4)}],
    "models-onnxruntime-go/example_dynamic_axes.onnx": [{"input_vectors": floats(3, 10)}],
    "models-onnxruntime-go/example_float16.onnx": [{"InputA": numpy.arange(8).reshape(1, 2, 2, 2) / 4 - 1}],
    "models-onnxruntime-go/example_multitype.onnx": [
        {"InputA": numpy.array([[[8]]]), "InputB": numpy.array([[[1.5, -2.25], [100.125, 0]]])}
    ],
    "models-onnxruntime-go/example_several_inputs_and_outputs.onnx": [
        {
            "input 1": rng.integers(-3000, 3000, (2, 5, 2, 5)),
            "input 2": numpy.arange(120).reshape(2, 3, 20) / 8,
            "input 3": numpy.arange(9) - 4.0,
        }
    ],
}


def typed(model, record):
    kinds = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    return {
        name: value.astype(onnx.helper.tensor_dtype_to_np_dtype(kinds[name])) for name, value in record.items()
    }


def plain(value):
    value = numpy.asarray(value)
    if value.dtype.kind not in "biu":
        value = value.astype(numpy.float64)
    return {"shape": list(value.shape), "values": value.ravel().tolist()}


cases = []
for file, records in INPUTS.items():
    model = onnx.load(folder / file)
    names = [output.name for output in model.graph.output]
    evaluator = ReferenceEvaluator(model)
    for record in records:
        answers = evaluator.run(None, typed(model, record))
        cases.append(
            {
                "file": file,
                "inputs": {name: plain(value) for name, value in record.items()},
                "outputs": dict(zip(names, (plain(answer) for answer in answers))),
            }
        )
print(json.dumps(cases))
