"""Times LightGBM's prediction of a whole matrix on one thread, and prints one line of JSON.

usage: predict.py DATASET.json REPEATS MODEL.txt

Trains on the training rows of the data set (see train.py) and saves the model, then predicts its test rows REPEATS times; the
time is that of the fastest repetition, per row. The booster gets rows in the order of memory that it prefers. The first
predictions are printed too, so that the other side can show that it computes the same.
"""

import json
import sys
import time

import lightgbm
from train import load_dataset, train

SHOWN = 2_000

dataset = load_dataset(sys.argv[1])
booster, _ = train(dataset, threads=2)
booster.save_model(sys.argv[3])
rows = dataset["test"][0]
best = float("inf")
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    predictions = booster.predict(rows, num_threads=1)
    best = min(best, time.perf_counter() - start)
print(
    json.dumps(
        {
            "microseconds": best / len(rows) * 1e6,
            "version": lightgbm.__version__,
            "predictions": predictions[:SHOWN].tolist(),
        }
    )
)
