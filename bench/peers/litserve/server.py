"""LitServe with one API process and one worker process, which talk over its fast queue; no batching, no log.

It reads the same request as ours, makes the same six features and answers the same JSON.
"""

import os

import litserve
from flights_model import FlightsModel


class Flights(litserve.LitAPI):
    def setup(self, device):
        self.model = FlightsModel()

    def decode_request(self, request):
        return request["instances"]

    def predict(self, instances):
        return self.model.predict(instances)

    def encode_response(self, predictions):
        return {"predictions": predictions}


if __name__ == "__main__":
    server = litserve.LitServer(
        Flights(api_path="/v1/models/late:predict"),
        accelerator="cpu",
        workers_per_device=1,
        fast_queue=True,
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
