"""Trains LightGBM on a matrix that the bench wrote, and prints one line of JSON.

usage: train.py DATASET.json THREADS

DATASET.json describes two raw files of little-endian doubles beside it (see bench/gbdt/matrix-file.ts): every column
of the training rows one after the other, the target last; and the same for the test rows. Loading and the conversion
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
    width = len(description["columns"]) + 1

    def load(part):
        values = numpy.fromfile(path.parent / part["file"], dtype="<f8").reshape(width, part["rows"])
        return numpy.ascontiguousarray(values[:-1].T), values[-1].copy()

    return description | {"train": load(description["train"]), "test": load(description["test"])}


def train(dataset, threads):
    """The booster, and the seconds that binning and training took."""
    parameters = {
        "objective": "binary" if dataset["task"] == "binary" else "regression",
        "num_threads": threads,
        "verbose": -1,
        **dataset["parameters"],
    }
    trees = parameters.pop("num_iterations")
    categorical = [i for i, column in enumerate(dataset["columns"]) if column["kind"] == "categorical"]
    start = time.perf_counter()
    data = lightgbm.Dataset(*dataset["train"], categorical_feature=categorical, params=parameters)
    booster = lightgbm.train(parameters, data, num_boost_round=trees)
    return booster, time.perf_counter() - start


def measure(dataset, predicted):
    """Log-loss or RMSE on the test rows."""
    target = dataset["test"][1]
    if dataset["task"] != "binary":
        return numpy.sqrt(numpy.mean((predicted - target) ** 2))
    clipped = numpy.clip(predicted, 1e-15, 1 - 1e-15)
    return -numpy.mean(numpy.where(target == 1, numpy.log(clipped), numpy.log(1 - clipped)))


if __name__ == "__main__":
    dataset = load_dataset(sys.argv[1])
    booster, seconds = train(dataset, threads=int(sys.argv[2]))
    metric = measure(dataset, booster.predict(dataset["test"][0]))
    print(json.dumps({"seconds": seconds, "metric": float(metric), "version": lightgbm.__version__}))
