"""The same behind MLServer, which speaks the Open Inference Protocol itself; its settings are written beside this file's copy."""
import base64

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, Parameters, ResponseOutput


class Onnx(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.settings.parameters.extra["threads"]
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        return True

    async def predict(self, request: InferenceRequest) -> InferenceResponse:
        tensor = request.inputs[0]
        values = tensor.data.root if hasattr(tensor.data, "root") else tensor.data
        packed = tensor.datatype == "BYTES"
        data = np.frombuffer(base64.b64decode(values[0]), np.float32) if packed else np.array(values, dtype=np.float32)
        outputs = self.session.run(None, {tensor.name: data.reshape(tensor.parameters.shape if packed else tensor.shape)})
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                ResponseOutput(
                    name=spec.name,
                    shape=[1] if packed else list(one.shape),
                    datatype="BYTES" if packed else "INT64" if one.dtype == np.int64 else "FP32",
                    # Its batching reads them of every output.
                    parameters=Parameters(content_type="np") if self.settings.max_batch_size else None,
                    data=[base64.b64encode(one).decode()] if packed else one.ravel().tolist(),
                )
                for spec, one in zip(self.session.get_outputs(), outputs)
            ],
        )
