"""The same behind MLServer, which speaks the Open Inference Protocol itself; its settings are written beside this file's copy."""
import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


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
        data = np.array(tensor.data.root if hasattr(tensor.data, "root") else tensor.data, dtype=np.float32)
        outputs = self.session.run(None, {tensor.name: data.reshape(tensor.shape)})
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                ResponseOutput(
                    name=spec.name,
                    shape=list(one.shape),
                    datatype="INT64" if one.dtype == np.int64 else "FP32",
                    data=one.ravel().tolist(),
                )
                for spec, one in zip(self.session.get_outputs(), outputs)
            ],
        )
