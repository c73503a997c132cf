"""iris, and whatever else has one input and is named on the command line, behind LitServe: model.onnx, port, threads, workers, rows of a batch and seconds to wait for them."""
import base64
import sys

import litserve
import numpy as np
import onnxruntime

MODEL, PORT, THREADS, WORKERS, BATCH = sys.argv[1], *map(int, sys.argv[2:6])
WINDOW = float(sys.argv[6])


class Api(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])

    def decode_request(self, request):
        tensor = request["inputs"][0]
        packed = tensor["datatype"] == "BYTES"
        if packed:
            data = np.frombuffer(base64.b64decode(tensor["data"][0]), np.float32).reshape(tensor["parameters"]["shape"])
        else:
            data = np.array(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
        return {tensor["name"]: data}, packed

    def predict(self, given):
        feeds, packed = given
        return self.session.run(None, feeds), packed

    def encode_response(self, answer):
        outputs, packed = answer
        data = (lambda one: [base64.b64encode(one).decode()]) if packed else (lambda one: one.ravel().tolist())
        return {"outputs": [{"shape": one.shape, "data": data(one)} for one in outputs]}


class Batched(Api):
    """Requests of one row each."""

    def batch(self, inputs):
        feeds, packed = inputs[0]
        return {name: np.concatenate([one[name] for one, _ in inputs]) for name in feeds}, packed

    def unbatch(self, output):
        outputs, packed = output
        return [([one[row : row + 1] for one in outputs], packed) for row in range(len(outputs[0]))]


if __name__ == "__main__":
    api = Api(api_path="/predict") if BATCH == 1 else Batched(api_path="/predict", max_batch_size=BATCH, batch_timeout=WINDOW)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, timeout=60)
    server.run(host="127.0.0.1", port=PORT, num_api_servers=1, log_level="error", generate_client_file=False)
