"""Golden values of the evaluation metrics.

Written with Python 3.11, numpy 2.4.6, scikit-learn 1.9.1:
    python test/golden/evaluation-metrics.py > test/golden/evaluation-metrics.json
"""

import json

import numpy as np
from sklearn import metrics

rng = np.random.default_rng(20260117)


def auc_standard_error(labels, predictions):
    """DeLong, DeLong & Clarke-Pearson 1988, by placements."""
    positive, negative = predictions[labels == 1], predictions[labels == 0]
    above = (positive[:, None] > negative[None, :]) + 0.5 * (positive[:, None] == negative[None, :])
    return float(
        np.sqrt(above.mean(1).var(ddof=1) / len(positive) + above.mean(0).var(ddof=1) / len(negative))
    )


def calibration(labels, predictions, weights):
    """Bins of equal count in which equal predictions stay together."""
    order = np.argsort(predictions, kind="stable")
    bins, gaps, start, n = [], 0.0, 0, len(labels)
    for b in range(1, 11):
        if start >= n:
            break
        end = max(int(np.floor(n * b / 10 + 0.5)), start + 1)
        while end < n and predictions[order[end]] == predictions[order[end - 1]]:
            end += 1
        rows = order[start:end]
        w = weights[rows]
        if w.sum() > 0:
            p, y = np.average(predictions[rows], weights=w), np.average(labels[rows], weights=w)
            bins.append([int(end - start), p, y])
            gaps += w.sum() * abs(y - p)
        start = end
    return bins, gaps / weights.sum()


def binary(name, labels, predictions, weights=None):
    w = np.ones(len(labels)) if weights is None else weights
    said = (predictions >= 0.5).astype(int)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, said, average="binary", sample_weight=w, zero_division=np.nan
    )
    bins, ece = calibration(labels, predictions, w)
    thresholds = []
    for i in range(1, 20):
        tn, fp, fn, tp = metrics.confusion_matrix(
            labels, (predictions >= i / 20).astype(int), labels=[0, 1], sample_weight=w
        ).ravel()
        thresholds.append([i / 20, float(tp), float(fp), float(tn), float(fn)])
    both = 0 < np.average(labels, weights=w) < 1
    wanted = {
        "auc": metrics.roc_auc_score(labels, predictions, sample_weight=w) if both else None,
        "logLoss": metrics.log_loss(labels, predictions, sample_weight=w, labels=[0, 1]),
        "brier": metrics.brier_score_loss(labels, predictions, sample_weight=w) if both else float(np.average((predictions - labels) ** 2, weights=w)),
        "prAuc": metrics.average_precision_score(labels, predictions, sample_weight=w) if labels.any() else None,
        "accuracy": metrics.accuracy_score(labels, said, sample_weight=w),
        "precision": precision,
        "recall": recall,
        "f1": f1 if labels.any() or said.any() else None,
    }
    return {
        "name": name,
        "task": "binary",
        "labels": labels.tolist(),
        "predictions": predictions.tolist(),
        "weights": None if weights is None else weights.tolist(),
        "metrics": {k: None if v is None or np.isnan(v) else float(v) for k, v in wanted.items()},
        "calibration": [[rows, float(p), float(y)] for rows, p, y in bins],
        "ece": float(ece),
        "thresholds": thresholds,
        "aucStandardError": auc_standard_error(labels, predictions) if both and weights is None and len(labels) > 50 else None,
    }


def regression(name, labels, predictions, weights=None):
    w = np.ones(len(labels)) if weights is None else weights
    return {
        "name": name,
        "task": "regression",
        "labels": labels.tolist(),
        "predictions": predictions.tolist(),
        "weights": None if weights is None else weights.tolist(),
        "metrics": {
            "rmse": float(np.sqrt(metrics.mean_squared_error(labels, predictions, sample_weight=w))),
            "mae": float(metrics.mean_absolute_error(labels, predictions, sample_weight=w)),
            "r2": float(metrics.r2_score(labels, predictions, sample_weight=w)) if np.ptp(labels) else None,
        },
    }


def drawn(n, digits=None):
    score = rng.normal(size=n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-1.3 * score + 0.7))).astype(int)
    predictions = 1 / (1 + np.exp(-score + 0.7))
    return labels, predictions if digits is None else np.round(predictions, digits)


def weighted(n):
    weights = np.round(rng.exponential(size=n), 3)
    weights[rng.random(n) < 0.1] = 0
    return weights


labels, predictions = drawn(200)
tied_labels, tied_predictions = drawn(200, 1)
many_labels, many_predictions = drawn(2000, 4)
y = rng.normal(50, 12, 200)
cases = [
    binary("distinct predictions", labels, predictions),
    binary("many ties", tied_labels, tied_predictions),
    binary("weights, some of them 0", labels, predictions, weighted(200)),
    binary("weights and ties", tied_labels, tied_predictions, weighted(200)),
    binary("predictions of exactly 0 and 1", labels, np.round(predictions)),
    binary("all predictions equal", labels, np.full(200, 0.3)),
    binary("only positives", np.ones(20, dtype=int), predictions[:20]),
    binary("only negatives", np.zeros(20, dtype=int), predictions[:20]),
    binary("two rows", np.array([0, 1]), np.array([0.2, 0.9])),
    binary("two thousand rows", many_labels, many_predictions),
    regression("regression", y, y + rng.normal(0, 5, 200)),
    regression("regression with weights", y, y + rng.normal(0, 5, 200), weighted(200)),
    regression("labels far from 0", y + 1e6, y + 1e6 + rng.normal(0, 5, 200)),
    regression("constant labels", np.full(30, 4.0), rng.normal(4, 1, 30)),
]
print(json.dumps(cases, separators=(",", ":")))
