"""Golden values of the metrics of several classes, of counts and of quantiles.

Written with Python 3.11, numpy 2.4.6, scikit-learn 1.9.1:
    python test/golden/aimed-metrics.py > test/golden/aimed-metrics.json
"""

import json
import warnings

import numpy as np
from sklearn import metrics

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20261122)
CASES = []


def multiclass(name, rows, classes, weighted=False, coarse=False, unseen=0):
    labels = rng.integers(0, classes + unseen, rows)
    logits = rng.normal(0, 1, (rows, classes))
    logits[np.arange(rows), np.minimum(labels, classes - 1)] += 1
    p = np.exp(logits)
    if coarse:  # many ties
        p = np.round(p) + 1
    p /= p.sum(1, keepdims=True)
    w = np.round(rng.random(rows) * 3, 2) if weighted else np.ones(rows)
    guess = p.argmax(1)
    own = np.where(labels < classes, p[np.arange(rows), np.minimum(labels, classes - 1)], 0)
    aucs = [
        metrics.roc_auc_score(labels == k, p[:, k], sample_weight=w)
        for k in range(classes)
        if 0 < w[labels == k].sum() < w.sum()
    ]

    def f1(average):
        return metrics.f1_score(labels, guess, average=average, sample_weight=w, zero_division=0)

    def top(k):
        if k >= classes:
            return None
        above = (p > own[:, None]).sum(1)
        before = ((p == own[:, None]) & (np.arange(classes)[None, :] < labels[:, None])).sum(1)
        return np.average((labels < classes) & (above + before < k), weights=w)

    precision, recall, score, _ = metrics.precision_recall_fscore_support(
        labels, guess, labels=range(classes), sample_weight=w, zero_division=np.nan
    )
    CASES.append(
        {
            "name": name,
            "subject": {"task": "multiclass"},
            "classes": classes,
            "unseen": unseen,
            "labels": labels.tolist(),
            "predictions": p.flatten().tolist(),
            "weights": w.tolist() if weighted else None,
            "metrics": {
                "logLoss": np.average(-np.log(np.maximum(own, np.finfo(float).eps)), weights=w),
                "accuracy": metrics.accuracy_score(labels, guess, sample_weight=w),
                "balancedAccuracy": metrics.balanced_accuracy_score(labels, guess, sample_weight=w),
                "macroF1": f1("macro"),
                "weightedF1": f1("weighted"),
                "microF1": f1("micro"),
                "auc": np.mean(aucs),
                **{f"top{k}": top(k) for k in (2, 3, 5)},
            },
            "table": [
                [*(None if np.isnan(value) else value for value in row)]
                for row in zip(precision.tolist(), recall.tolist(), score.tolist())
            ],
            "confusion": metrics.confusion_matrix(labels, guess, labels=range(classes + unseen))[:, :classes].tolist(),
        }
    )


def regression(name, rows, aim, weighted=False):
    mean = np.exp(rng.normal(0.5, 0.7, rows))
    labels = rng.poisson(mean).astype(float)
    predictions = mean * np.exp(rng.normal(0, 0.2, rows))
    w = np.round(rng.random(rows) * 3, 2) if weighted else np.ones(rows)
    wanted = {
        "rmse": np.sqrt(np.average((labels - predictions) ** 2, weights=w)),
        "mae": metrics.mean_absolute_error(labels, predictions, sample_weight=w),
        "r2": metrics.r2_score(labels, predictions, sample_weight=w),
    }
    if aim["kind"] == "count":
        wanted["poissonDeviance"] = metrics.mean_poisson_deviance(labels, predictions, sample_weight=w)
    else:
        wanted["pinball"] = metrics.mean_pinball_loss(labels, predictions, alpha=aim["share"], sample_weight=w)
        wanted["coverage"] = np.average(labels <= predictions, weights=w)
    CASES.append(
        {
            "name": name,
            "subject": {"task": "regression", "aim": aim},
            "labels": labels.tolist(),
            "predictions": predictions.tolist(),
            "weights": w.tolist() if weighted else None,
            "metrics": wanted,
        }
    )


multiclass("four classes", 120, 4)
multiclass("seven classes, weighted", 150, 7, weighted=True)
multiclass("many ties", 90, 6, coarse=True, weighted=True)
multiclass("classes that are not predicted", 80, 3, unseen=2)
multiclass("two classes", 60, 2)
regression("counts", 100, {"kind": "count"})
regression("weighted counts", 80, {"kind": "count"}, weighted=True)
regression("a high quantile", 100, {"kind": "quantile", "share": 0.9})
regression("a weighted low quantile", 80, {"kind": "quantile", "share": 0.2}, weighted=True)
print(json.dumps(CASES, separators=(",", ":")))
