"""MLServer with the model in the process that answers; no access log.

It speaks the Open Inference Protocol V2, so ours is measured beside it with the same V2 request.
"""

from flights_model import FlightsModel
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Flights(MLModel):
    async def load(self) -> bool:
        self.model = FlightsModel()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        columns = {tensor.name: tensor.data.root for tensor in payload.inputs}
        rows = zip(columns["date"], columns["distance"], columns["origin"], columns["destination"])
        predictions = self.model.predict(
            [{"date": d, "distance": m, "origin": o, "destination": t} for d, m, o, t in rows]
        )
        return InferenceResponse(
            model_name=self.name,
            outputs=[ResponseOutput(name="late", datatype="FP64", shape=[len(predictions)], data=predictions)],
        )
