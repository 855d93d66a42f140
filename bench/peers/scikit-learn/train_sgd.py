"""Trains scikit-learn's SGDClassifier on a matrix that the bench wrote, and prints one line of JSON.

usage: train_sgd.py DATASET.json ALPHA

The features are those of the other side: every categorical code is a column of its own in a sparse matrix, numbers are
standardised. Neither loading nor building that matrix is timed; `fit` is. Peak memory is measured before and after.
"""

import json
import pathlib
import resource
import sys
import time

import numpy
import scipy.sparse
import sklearn
from sklearn.linear_model import SGDClassifier

path = pathlib.Path(sys.argv[1])
description = json.loads(path.read_text())
columns = description["columns"]


def load(part):
    values = numpy.fromfile(path.parent / part["file"], dtype="<f8").reshape(len(columns) + 1, part["rows"])
    return values[:-1], values[-1]


def sparse(values, scaling):
    rows = values.shape[1]
    indices = numpy.empty((rows, len(columns)), dtype=numpy.int32)
    data = numpy.ones((rows, len(columns)))
    offset = 0
    for i, column in enumerate(columns):
        missing = numpy.isnan(values[i])
        if column["kind"] == "numeric":
            centre, scale = scaling[i]
            indices[:, i] = numpy.where(missing, offset + 1, offset)
            data[:, i] = numpy.where(missing, 1, (values[i] - centre) / scale)
            offset += 2
        else:
            width = column["cardinality"]
            indices[:, i] = numpy.where(missing, offset + width, offset + numpy.nan_to_num(values[i]).astype(numpy.int32))
            offset += width + 1
    start = numpy.arange(0, rows * len(columns) + 1, len(columns), dtype=numpy.int32)
    return scipy.sparse.csr_matrix((data.ravel(), indices.ravel(), start), shape=(rows, offset))


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


values, target = load(description["train"])
scaling = [(numpy.nanmean(column), numpy.nanstd(column)) for column in values]
train = sparse(values, scaling)
loaded = peak_bytes()
model = SGDClassifier(loss="log_loss", alpha=float(sys.argv[2]), random_state=1)
start = time.perf_counter()
model.fit(train, target)
seconds = time.perf_counter() - start
peak = peak_bytes()
values, truth = load(description["test"])
predicted = numpy.clip(model.predict_proba(sparse(values, scaling))[:, 1], 1e-15, 1 - 1e-15)
loss = -numpy.mean(numpy.where(truth == 1, numpy.log(predicted), numpy.log(1 - predicted)))
print(
    json.dumps(
        {
            "seconds": seconds,
            "metric": float(loss),
            "loadedBytes": loaded,
            "peakBytes": peak,
            "weights": int(numpy.count_nonzero(model.coef_)),
            "passes": int(model.n_iter_),
            "version": sklearn.__version__,
        }
    )
)
