"""Asks a server of the Open Inference Protocol over gRPC with Triton's own client; prints one JSON line a check."""
import json
import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

client = triton.InferenceServerClient(url=sys.argv[1])

VALUES = {
    "BOOL": [True, False],
    "UINT8": [0, 255],
    "UINT16": [0, 65535],
    "UINT32": [0, 2**32 - 1],
    "UINT64": [2**53 + 1, 2**64 - 1],
    "INT8": [-128, 127],
    "INT16": [-32768, 32767],
    "INT32": [-(2**31), 2**31 - 1],
    "INT64": [-(2**63), 2**53 + 1],
    "FP16": [0.5, -65504.0],
    "FP32": [0.1, float("nan")],
    "FP64": [0.1, float("-inf")],
    "BYTES": ["ä", ""],
}


def array(datatype):
    values = VALUES[datatype]
    if datatype == "BYTES":
        return np.array([[value.encode() for value in values]], dtype=np.object_)
    return np.array([values], dtype=triton_to_np_dtype(datatype))


def same(datatype, got):
    want = array(datatype)
    assert got.shape == want.shape, (got.shape, want.shape)
    equal = (got == want).all() if datatype == "BYTES" else np.array_equal(got, want, equal_nan=datatype[:2] == "FP")
    assert equal, (got, want)


def echo(datatype, **options):
    tensor = triton.InferInput("x", [1, 2], datatype)
    tensor.set_data_from_numpy(array(datatype))
    return client.infer(datatype.lower(), [tensor], **options)


def raw(datatype):
    result = echo(datatype, request_id="r")
    same(datatype, result.as_numpy("y"))
    assert result.get_response().id == "r"


def compressed(datatype):
    same(datatype, echo(datatype, compression_algorithm="gzip").as_numpy("y"))


def typed(datatype, field):
    contents = service_pb2.InferTensorContents()
    values = [value.encode() for value in VALUES[datatype]] if datatype == "BYTES" else VALUES[datatype]
    getattr(contents, field).extend(values)
    request = service_pb2.ModelInferRequest(model_name=datatype.lower())
    request.inputs.add(name="x", datatype=datatype, shape=[1, 2], contents=contents)
    response = client._client_stub.ModelInfer(request)
    assert not response.raw_output_contents
    want = service_pb2.InferTensorContents.FromString(contents.SerializeToString())
    got = response.outputs[0].contents
    assert list(response.outputs[0].shape) == [1, 2] and str(got) == str(want), (got, want)


def metadata():
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("fp32")
    assert not client.is_model_ready("nobody")
    assert client.get_server_metadata().name == "glowplug"
    assert list(client.get_model_metadata("rows").inputs[0].shape) == [-1, 2]
    config = client.get_model_config("fp32").config
    assert config.backend == "onnxruntime" and config.input[0].data_type == 11, config
    stats = client.get_inference_statistics("fp32").model_stats[0]
    assert stats.inference_stats.success.count > 0, stats
    assert len(client.get_inference_statistics().model_stats) > 13
    assert any(one.name == "fp32" and one.state == "READY" for one in client.get_model_repository_index().models)


def refused(status, ask):
    try:
        ask()
    except InferenceServerException as error:
        assert error.status() == f"StatusCode.{status}", error
        return
    raise AssertionError("it was answered")


def several():
    inputs = []
    for datatype in VALUES:
        tensor = triton.InferInput(datatype, [1, 2], datatype)
        tensor.set_data_from_numpy(array(datatype))
        inputs.append(tensor)
    result = client.infer("all", inputs, outputs=[triton.InferRequestedOutput(name) for name in ("INT64", "FP16")])
    same("INT64", result.as_numpy("INT64"))
    same("FP16", result.as_numpy("FP16"))
    assert result.as_numpy("FP32") is None


FIELDS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
checks = [(f"{one} raw", lambda one=one: raw(one)) for one in VALUES]
checks += [(f"{one} compressed", lambda one=one: compressed(one)) for one in VALUES]
checks += [(f"{one} typed", lambda one=one, field=field: typed(one, field)) for one, field in FIELDS.items()]
checks += [
    ("several tensors, some outputs", several),
    ("metadata", metadata),
    ("an unknown model", lambda: refused("NOT_FOUND", lambda: client.get_model_metadata("nobody"))),
    ("another version", lambda: refused("NOT_FOUND", lambda: client.get_model_metadata("fp32", "9"))),
    ("a wrong shape", lambda: refused("INVALID_ARGUMENT", lambda: client.infer("vector", []))),
    ("loading", lambda: refused("PERMISSION_DENIED", lambda: client.load_model("fp32"))),
]
for name, check in checks:
    try:
        check()
        print(json.dumps({"check": name, "ok": True}))
    except Exception as error:
        print(json.dumps({"check": name, "ok": False, "why": f"{type(error).__name__}: {error}"[:400]}))
