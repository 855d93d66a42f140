"""Ray Serve with one proxy and one replica, each a process of its own, as it always has; no batching, no access log.

It reads the same request as ours, makes the same six features and answers the same JSON.
"""

import os
import signal

import orjson
import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=64,
    ray_actor_options={"num_cpus": 1},
    logging_config={"log_level": "ERROR", "enable_access_log": False},
)
class Flights:
    def __init__(self):
        from flights_model import FlightsModel

        self.model = FlightsModel()

    async def __call__(self, request: Request):
        instances = orjson.loads(await request.body())["instances"]
        return Response(orjson.dumps({"predictions": self.model.predict(instances)}), media_type="application/json")


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])},
        logging_config={"log_level": "ERROR", "enable_access_log": False},
    )
    serve.run(Flights.bind(), route_prefix="/v1/models/late:predict")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()
