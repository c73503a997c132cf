"""Asks a server of the Open Inference Protocol with Triton's own client; prints one JSON line a check."""
import json
import sys

import ml_dtypes
import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

url = sys.argv[1]
client = triton.InferenceServerClient(url=url)

VALUES = {
    "BOOL": [True, False, True],
    "UINT8": [0, 1, 255],
    "UINT16": [0, 1, 65535],
    "UINT32": [0, 1, 2**32 - 1],
    "UINT64": [0, 2**53 + 1, 2**64 - 1],
    "INT8": [-128, 0, 127],
    "INT16": [-32768, 0, 32767],
    "INT32": [-(2**31), 0, 2**31 - 1],
    "INT64": [-(2**63), 2**53 + 1, 2**63 - 1],
    "FP16": [0.1, -2, 65504],
    "FP32": [0.1, -3.5, 3.4e38],
    "FP64": [0.1, -3.5, 1.7e308],
    "BYTES": ["", "é😀", "a" * 300],
}


def array(datatype, values):
    if datatype == "BYTES":
        return np.array([[value.encode() for value in values]], dtype=np.object_)
    return np.array([values], dtype=triton_to_np_dtype(datatype))


def send(datatype, values, binary_in, binary_out, **more):
    data = array(datatype, values)
    tensor = triton.InferInput("x", list(data.shape), datatype)
    if datatype == "BYTES" and not binary_in:
        data = np.array([values], dtype=np.object_)
    tensor.set_data_from_numpy(data, binary_data=binary_in)
    outputs = None if binary_out is None else [triton.InferRequestedOutput("y", binary_data=binary_out)]
    return client.infer(datatype.lower(), [tensor], outputs=outputs, **more)


def same(result, datatype, values):
    got = result.as_numpy("y")
    if datatype == "BYTES":
        texts = [item if isinstance(item, str) else item.decode() for item in got.flatten()]
        assert texts == values, texts
    else:
        want = array(datatype, values)
        assert got.shape == want.shape and got.dtype == want.dtype, (got.shape, got.dtype)
        assert got.tobytes() == want.tobytes(), got


def refused(work, status, text):
    try:
        work()
    except InferenceServerException as error:
        assert status in str(error.status()) and text in error.message(), (error.status(), error.message())
        return
    raise AssertionError("was answered")


def exchange(datatype, binary_in, binary_out):
    return lambda: same(send(datatype, VALUES[datatype], binary_in, binary_out), datatype, VALUES[datatype])


def compressed(request, response):
    values = [float(i) for i in range(40_000)]
    return lambda: same(
        send("FP32", values, True, False, request_compression_algorithm=request, response_compression_algorithm=response),
        "FP32",
        values,
    )


def not_finite():
    values = [float("nan"), float("inf"), -0.0]
    same(send("FP32", values, True, True), "FP32", values)


def all_outputs():
    inputs = []
    for datatype, values in VALUES.items():
        data = array(datatype, values)
        tensor = triton.InferInput(datatype, list(data.shape), datatype)
        tensor.set_data_from_numpy(data)
        inputs.append(tensor)
    result = client.infer("all", inputs, request_id="r 1")
    assert result.get_response()["id"] == "r 1"
    for datatype, values in VALUES.items():
        got = result.as_numpy(datatype)
        want = array(datatype, values)
        assert (got == want).all(), (datatype, got)


def several_at_once():
    data = array("FP32", [1.0])
    tensor = triton.InferInput("x", [1, 1], "FP32")
    tensor.set_data_from_numpy(data)
    with triton.InferenceServerClient(url=url, concurrency=8) as many:
        pending = [many.async_infer("fp32", [tensor], request_id=str(i)) for i in range(64)]
        assert [request.get_result().get_response()["id"] for request in pending] == [str(i) for i in range(64)]


def metadata():
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data", "model_configuration", "statistics"]
    about = client.get_model_metadata("rows")
    assert about["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}], about
    assert client.get_model_metadata("a b/ä")["name"] == "a b/ä"
    assert client.get_model_config("rows")["input"][0]["data_type"] == "TYPE_FP32"


def health():
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("fp32") and client.is_model_ready("fp32", "1") and not client.is_model_ready("nobody")


def statistics():
    before = client.get_inference_statistics("int8")["model_stats"][0]["inference_count"]
    send("INT8", VALUES["INT8"], True, True)
    after = client.get_inference_statistics("int8", "1")["model_stats"][0]
    assert after["inference_count"] == before + 1 and after["inference_stats"]["success"]["ns"] > 0, after
    assert len(client.get_inference_statistics()["model_stats"]) > 13


def index():
    assert {"name": "fp32", "version": "1", "state": "READY", "reason": ""} in client.get_model_repository_index()


def classification():
    tensor = triton.InferInput("x", [1, 1], "FP32")
    tensor.set_data_from_numpy(array("FP32", [1.0]))
    client.infer("fp32", [tensor], outputs=[triton.InferRequestedOutput("y", class_count=1)])


def bfloat():
    tensor = triton.InferInput("x", [1, 1], "BF16")
    tensor.set_data_from_numpy(np.array([[1.0]], dtype=ml_dtypes.bfloat16))
    client.infer("fp32", [tensor])


checks = {
    **{
        f"{datatype} {'bytes' if b else 'JSON'} in, {'default' if o is None else 'bytes' if o else 'JSON'} out": exchange(datatype, b, o)
        for datatype in VALUES
        for b in (True, False)
        for o in (True, False, None)
        # The client itself has no FP16 in JSON.
        if datatype != "FP16" or (b and o is not False)
    },
    **{f"request {a}, response {b}": compressed(a, b) for a in (None, "gzip", "deflate") for b in (None, "gzip", "deflate")},
    "NaN, Infinity and -0 as bytes": not_finite,
    "every output, and the id": all_outputs,
    "64 at once": several_at_once,
    "metadata and configuration": metadata,
    "health": health,
    "statistics": statistics,
    "repository index": index,
    "loading is refused": lambda: refused(lambda: client.load_model("fp32"), "403", "loading and unloading over HTTP is off"),
    "unloading is refused": lambda: refused(lambda: client.unload_model("fp32"), "403", "loading and unloading over HTTP is off"),
    "an unknown model is refused": lambda: refused(lambda: client.get_model_metadata("nobody"), "404", "expected one of"),
    "a wrong type is refused": lambda: refused(lambda: client.infer("fp32", [wrong()]), "400", "expected FP32, got INT8"),
    "classification is refused": lambda: refused(classification, "400", "classification is of an extension"),
    "BF16 is refused": lambda: refused(bfloat, "400", "expected a datatype of BOOL"),
}


def wrong():
    tensor = triton.InferInput("x", [1, 1], "INT8")
    tensor.set_data_from_numpy(np.array([[1]], dtype=np.int8))
    return tensor


for name, check in checks.items():
    try:
        check()
        print(json.dumps({"check": name, "ok": True}))
    except Exception as error:
        print(json.dumps({"check": name, "ok": False, "why": f"{type(error).__name__}: {error}"[:400]}))
