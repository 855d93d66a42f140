"""What all Python peers serve: the six features of a flight, and an ONNX model on one thread of onnxruntime.

Unlike ours, nothing is validated (a wrong type or a missing field ends in status 500) and nothing is logged.
"""

import math
import os
from datetime import datetime

import numpy as np
import onnxruntime

AIRPORTS = {name: float(code) for code, name in enumerate("ATL DEN DFW IAH JFK LAX MSP ORD PHX SFO".split())}


def features_of(date, distance, origin, destination):
    when = datetime.fromisoformat(date)
    return (
        when.hour,
        when.weekday(),
        distance,
        math.log1p(distance),
        AIRPORTS.get(origin, math.nan),
        AIRPORTS.get(destination, math.nan),
    )


class FlightsModel:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["MODEL"], options, providers=["CPUExecutionProvider"]
        )
        self.input = self.session.get_inputs()[0].name
        self.probabilities = [self.session.get_outputs()[1].name]

    def predict(self, instances):
        """instances: dictionaries of the four raw columns. Answers a probability for each."""
        matrix = np.array(
            [features_of(i["date"], i["distance"], i["origin"], i["destination"]) for i in instances],
            dtype=np.float32,
        )
        return self.session.run(self.probabilities, {self.input: matrix})[0][:, 1].tolist()
