"""Golden models of the ftrl trainer: a second implementation of FTRL-Proximal, written from the paper alone.

Written with Python 3.11, numpy 2.4.6 (bench/peers/scikit-learn/setup.sh makes such an environment):
    python test/golden/ftrl.py > test/golden/ftrl.json

McMahan et al., "Ad Click Prediction: a View from the Trenches" (KDD 2013), algorithm 1. Weights stand in dictionaries by
(feature, code), where code is "value" for numbers and "missing" for what is missing. Rows are learned in their order;
penalties are multiplied with the number of the pass.
"""

import json
import math

import numpy

rng = numpy.random.default_rng(11)
ROWS = 400

amount = numpy.round(rng.normal(40, 15, ROWS), 1)
amount[rng.random(ROWS) < 0.1] = numpy.nan
clicks = numpy.where(rng.random(ROWS) < 0.7, 0, rng.integers(1, 6, ROWS)).astype(float)
place = rng.integers(0, 40, ROWS).astype(float)
place[rng.random(ROWS) < 0.05] = numpy.nan
route = rng.integers(0, 1_048_576, 60)[rng.integers(0, 60, ROWS)].astype(float)

effect = rng.normal(0, 1, 41)[numpy.nan_to_num(place, nan=40).astype(int)]
score = 0.05 * (numpy.nan_to_num(amount, nan=55) - 40) + 0.4 * clicks + effect - 0.5
flag = (rng.random(ROWS) < 1 / (1 + numpy.exp(-score))).astype(float)
price = numpy.round(1000 + 250 * (score + rng.normal(0, 0.5, ROWS)), 2)
weights = rng.integers(0, 4, ROWS).astype(float)

COLUMNS = {"amount": (amount, 0), "clicks": (clicks, 0), "place": (place, 40), "route": (route, 1_048_576)}


def scaling(values):
    known = values[~numpy.isnan(values)]
    filled = known[known != 0]
    if 2 * len(filled) <= len(known):
        return 0.0, math.sqrt(numpy.mean(filled**2))
    return float(numpy.mean(known)), float(numpy.std(known))


SCALING = {name: scaling(values) for name, (values, cardinality) in COLUMNS.items() if cardinality == 0}


def inputs_of(row):
    yield ("intercept", ""), 1.0
    for name, (values, cardinality) in COLUMNS.items():
        value = float(values[row])
        if math.isnan(value):
            yield (name, "missing"), 1.0
        elif cardinality:
            yield (name, int(value)), 1.0
        else:
            centre, scale = SCALING[name]
            yield (name, "value"), (value - centre) / scale


def learn(target, row_weights, task, alpha=0.2, beta=1.0, l1=1.0, l2=1.0, epochs=5):
    centre, scale = (0.0, 1.0) if task == "binary" else (float(numpy.mean(target)), float(numpy.std(target)))
    z, n = {}, {}

    passes = 1

    def weight(key):
        if key not in z:
            return 0.0
        free = key[0] == "intercept"
        penalty1, penalty2 = (0.0, 0.0) if free else (passes * l1, passes * l2)
        if abs(z[key]) <= penalty1:
            return 0.0
        rate = (beta + math.sqrt(n[key])) / alpha + penalty2
        return -(z[key] - math.copysign(penalty1, z[key])) / rate if rate else 0.0

    losses = []
    for epoch in range(epochs):
        passes = epoch + 1
        for row in range(ROWS):
            if row_weights[row] == 0:
                continue
            x = {key: value for key, value in inputs_of(row) if value != 0}
            w = {key: weight(key) for key in x}
            total = sum(w[key] * x[key] for key in x)
            y = (target[row] - centre) / scale
            p = 1 / (1 + math.exp(-total)) if task == "binary" else total
            if epoch == 0:
                loss = -math.log(p if y == 1 else 1 - p) if task == "binary" else ((p - y) * scale) ** 2
                losses.append((row_weights[row] * loss, row_weights[row]))
            for key, value in x.items():
                g = (p - y) * row_weights[row] * value
                before = n.get(key, 0.0)
                sigma = (math.sqrt(before + g * g) - math.sqrt(before)) / alpha
                z[key] = z.get(key, 0.0) + g - sigma * w[key]
                n[key] = before + g * g
    progressive = sum(loss for loss, _ in losses) / sum(weight for _, weight in losses)
    learned = {key: weight(key) * scale for key in z}
    learned["intercept", ""] += centre
    predictions = []
    for row in range(ROWS):
        total = sum(learned.get(key, 0.0) * value for key, value in inputs_of(row))
        predictions.append(1 / (1 + math.exp(-total)) if task == "binary" else total)
    return {
        "weights": sum(1 for key, value in learned.items() if value != 0 and key[0] != "intercept"),
        "seen": len(learned) - 1,
        "progressive": progressive if task == "binary" else math.sqrt(progressive),
        "predictions": predictions,
    }


CASES = [
    {"name": "the defaults", "task": "binary", "options": {}},
    {"name": "one pass without penalties", "task": "binary", "options": {"epochs": 1, "l1": 0, "l2": 0}},
    {"name": "a strong L1 penalty", "task": "binary", "options": {"alpha": 0.3, "l1": 4, "l2": 0, "epochs": 5}},
    {"name": "without beta", "task": "binary", "options": {"beta": 0, "alpha": 0.05, "l1": 0.5}},
    {"name": "weights, some of them 0", "task": "binary", "weighted": True, "options": {"l1": 2}},
    {"name": "a regression", "task": "regression", "options": {"epochs": 4}},
    {"name": "a weighted regression", "task": "regression", "weighted": True, "options": {"l1": 3, "l2": 2}},
]

for case in CASES:
    target = flag if case["task"] == "binary" else price
    row_weights = weights if case.get("weighted") else numpy.ones(ROWS)
    case |= learn(target, row_weights, case["task"], **case["options"])

print(
    json.dumps(
        {
            "columns": [
                {"name": name, "kind": "categorical" if cardinality else "numeric", "cardinality": cardinality}
                for name, (_, cardinality) in COLUMNS.items()
            ],
            "values": [
                [None if math.isnan(value) else value for value in values.tolist()] for values, _ in COLUMNS.values()
            ],
            "targets": {"binary": flag.tolist(), "regression": price.tolist()},
            "weights": weights.tolist(),
            "cases": CASES,
        },
        separators=(",", ":"),
    )
)
