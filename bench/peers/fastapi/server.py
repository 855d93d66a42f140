"""The usual Python stack done well: one uvicorn worker on uvloop and httptools, orjson, onnxruntime on one thread.

It reads the same request as ours, makes the same six features and answers the same JSON; it logs nothing.
"""

import os

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from flights_model import FlightsModel

model = FlightsModel()
app = FastAPI()


@app.post("/v1/models/late:predict")
async def predict(request: Request):
    instances = orjson.loads(await request.body())["instances"]
    return Response(orjson.dumps({"predictions": model.predict(instances)}), media_type="application/json")


if __name__ == "__main__":
    port = int(os.environ["PORT"])
    uvicorn.run(app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")
