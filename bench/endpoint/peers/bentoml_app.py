"""The same behind BentoML; started by its own command with BENCH_MODEL, BENCH_THREADS, BENCH_WORKERS and, for Batched, BENCH_BATCH."""
import base64
import os
from typing import Annotated

import bentoml
import numpy as np
import onnxruntime
from bentoml.validators import DType


class Model:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["BENCH_THREADS"])
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options, providers=["CPUExecutionProvider"])


@bentoml.service(workers=int(os.environ["BENCH_WORKERS"]), traffic={"timeout": 60})
class Api(Model):
    @bentoml.api
    def predict(self, inputs: list[dict]) -> dict:
        tensor = inputs[0]
        if tensor["datatype"] == "BYTES":
            values = np.frombuffer(base64.b64decode(tensor["data"][0]), np.float32)
            outputs = self.session.run(None, {tensor["name"]: values.reshape(tensor["parameters"]["shape"])})
            packed = [{"shape": list(one.shape), "data": [base64.b64encode(one).decode()]} for one in outputs]
            return {"outputs": packed}
        feeds = {tensor["name"]: np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])}
        outputs = self.session.run(None, feeds)
        return {"outputs": [{"shape": list(one.shape), "data": one.ravel().tolist()} for one in outputs]}


@bentoml.service(workers=int(os.environ["BENCH_WORKERS"]), traffic={"timeout": 60})
class Batched(Model):
    """Rows of one FP32 input, which its own dispatcher puts together."""

    # With 100 ms it answers 503 to what a full queue makes later.
    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=int(os.environ.get("BENCH_BATCH", 64)), max_latency_ms=10_000)
    def predict(self, x: Annotated[np.ndarray, DType("float32")]) -> np.ndarray:
        return self.session.run(None, {self.session.get_inputs()[0].name: x})[0]
