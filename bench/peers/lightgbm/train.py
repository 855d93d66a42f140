"""Trains LightGBM on a matrix that the bench wrote, and prints one line of JSON.

usage: train.py DATASET.json THREADS

DATASET.json describes two raw files of little-endian doubles beside it (see bench/gbdt/matrix-file.ts): every column
of the training rows one after the other, then the target and perhaps weights; and the same for the test rows. Loading and the conversion
to LightGBM's preferred row order are not timed; binning and training are, as they are for the other side.
"""

import json
import pathlib
import sys
import time

import lightgbm
import numpy


def load_dataset(path):
    path = pathlib.Path(path)
    description = json.loads(path.read_text())
    features = len(description["columns"])
    width = features + (2 if description["weighted"] else 1)

    def load(part):
        values = numpy.fromfile(path.parent / part["file"], dtype="<f8").reshape(width, part["rows"])
        weights = [values[-1].copy()] if description["weighted"] else []
        return numpy.ascontiguousarray(values[:features].T), values[features].copy(), *weights

    return description | {"train": load(description["train"]), "test": load(description["test"])}


def train(dataset, threads):
    """The booster, and the seconds that binning and training took."""
    parameters = {
        "objective": dataset["task"],
        "num_threads": threads,
        "verbose": -1,
        **dataset["parameters"],
        **dataset.get("objective", {"theirs": {}})["theirs"],
    }
    if "classes" in dataset:
        parameters["num_class"] = dataset["classes"]
    trees = parameters.pop("num_iterations")
    categorical = [i for i, column in enumerate(dataset["columns"]) if column["kind"] == "categorical"]
    start = time.perf_counter()
    rows, target, *weights = dataset["train"]
    weight = weights[0] if weights else None
    data = lightgbm.Dataset(rows, target, weight=weight, categorical_feature=categorical, params=parameters)
    booster = lightgbm.train(parameters, data, num_boost_round=trees)
    return booster, time.perf_counter() - start


def measure(dataset, predicted):
    """What bench/gbdt/mean-loss.ts computes for the other side."""
    target, *weights = dataset["test"][1:]
    weights = weights[0] if weights else None
    if dataset["task"] == "multiclass":
        losses = -numpy.log(predicted[numpy.arange(len(target)), target.astype(int)])
    elif dataset["task"] == "binary":
        losses = -numpy.log(numpy.where(target == 1, predicted, 1 - predicted))
    elif dataset.get("metric") == "poissonDeviance":
        logs = target * numpy.log(numpy.where(target > 0, target, 1) / predicted)
        losses = 2 * (logs - (target - predicted))
    elif dataset.get("metric") == "pinball":
        alpha = dataset["objective"]["theirs"]["alpha"]
        losses = numpy.maximum(alpha * (target - predicted), (alpha - 1) * (target - predicted))
    elif dataset.get("metric") == "mae":
        losses = numpy.abs(target - predicted)
    else:
        losses = (target - predicted) ** 2
    mean = numpy.average(losses, weights=weights)
    return numpy.sqrt(mean) if dataset["task"] == "regression" and "metric" not in dataset else mean


if __name__ == "__main__":
    dataset = load_dataset(sys.argv[1])
    booster, seconds = train(dataset, threads=int(sys.argv[2]))
    metric = measure(dataset, booster.predict(dataset["test"][0]))
    print(json.dumps({"seconds": seconds, "metric": float(metric), "version": lightgbm.__version__}))
