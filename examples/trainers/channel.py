"""The rows of a channel and what their columns are, for all three programs."""

import json
import os

import numpy


def features():
    """What `input/config/features.json` says: columns, kinds, target, weight, task, seed."""
    with open(os.path.join(os.environ["SM_INPUT_CONFIG_DIR"], "features.json")) as file:
        return json.load(file)


def rows(name):
    """The inputs as a matrix in which NaN is missing, and the target, of a channel: "train" or "validation"."""
    path = os.path.join(os.environ[f"SM_CHANNEL_{name.upper()}"], f"{name}.csv")
    table = numpy.genfromtxt(path, delimiter=",", skip_header=1)
    count = len(features()["features"])
    return table[:, :count], table[:, count]


def report(iteration, of, metric, **values):
    """Moves the progress bar: values are `train` and `validate`."""
    print(json.dumps({"iteration": iteration, "of": of, "metric": metric, **values}), flush=True)


def model_path(name):
    return os.path.join(os.environ["SM_MODEL_DIR"], name)
