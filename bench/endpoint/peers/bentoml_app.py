"""The same behind BentoML; started by its own command with BENCH_MODEL, BENCH_THREADS and BENCH_WORKERS."""
import base64
import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=int(os.environ["BENCH_WORKERS"]), traffic={"timeout": 60})
class Api:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["BENCH_THREADS"])
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options, providers=["CPUExecutionProvider"])

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
