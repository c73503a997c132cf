"""Asks a server of the Open Inference Protocol with KServe's own clients, REST and gRPC; prints one JSON line a check."""
import asyncio
import json
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from kserve.utils.numpy_codec import to_np_dtype

rest_url, grpc_url = sys.argv[1], sys.argv[2]

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
    "FP32": [0.1, -3.5],
    "FP64": [0.1, -1.7e308],
    "BYTES": ["ä", ""],
}


def array(datatype):
    values = VALUES[datatype]
    if datatype == "BYTES":
        return np.array([[value.encode() for value in values]], dtype=np.object_)
    return np.array([values], dtype=to_np_dtype(datatype))


def request(datatype, binary_in, binary_out=None):
    tensor = InferInput("x", [1, 2], datatype)
    tensor.set_data_from_numpy(array(datatype), binary_data=binary_in)
    outputs = None if binary_out is None else [RequestedOutput("y", parameters={"binary_data": binary_out})]
    return InferRequest(datatype.lower(), [tensor], request_id="r", request_outputs=outputs)


def same(response, datatype):
    assert response.id == "r", response.id
    got = response.outputs[0].as_numpy()
    if datatype == "BYTES":
        texts = [item if isinstance(item, str) else item.decode() for item in got.flatten()]
        assert texts == VALUES[datatype], texts
    else:
        assert np.array_equal(got, array(datatype)) and got.shape == (1, 2), got


async def refused(work, text):
    try:
        await work
    except Exception as error:
        assert text in str(error), str(error)
        return
    raise AssertionError("was answered")


async def main():
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    grpc = InferenceGRPCClient(grpc_url)
    tensor = InferInput("z", [1, 2], "FP32")
    tensor.set_data_from_numpy(array("FP32"), binary_data=False)
    wrong = InferRequest("fp32", [tensor])

    async def is_true(work):
        assert await work is True

    async def infer_rest(datatype, binary_in, binary_out):
        same(await rest.infer(rest_url, request(datatype, binary_in, binary_out), datatype.lower()), datatype)

    async def infer_grpc(datatype, raw):
        same(await grpc.infer(request(datatype, raw)), datatype)

    checks = {
        "rest live": lambda: is_true(rest.is_server_live(rest_url)),
        "rest ready": lambda: is_true(rest.is_server_ready(rest_url)),
        "rest model ready": lambda: is_true(rest.is_model_ready(rest_url, "fp32")),
        "rest wrong name": lambda: refused(rest.infer(rest_url, wrong, "fp32"), "400"),
        "rest no such model": lambda: refused(rest.infer(rest_url, wrong, "none"), "404"),
        "grpc live": lambda: is_true(grpc.is_server_live()),
        "grpc ready": lambda: is_true(grpc.is_server_ready()),
        "grpc model ready": lambda: is_true(grpc.is_model_ready("fp32")),
        "grpc wrong name": lambda: refused(grpc.infer(wrong), "INVALID_ARGUMENT"),
    }
    for datatype in VALUES:
        for binary_in in (True, False):
            # FP16 has no numbers in JSON.
            if datatype == "FP16" and not binary_in:
                continue
            for binary_out in (True, False, None):
                if datatype == "FP16" and binary_out is not True:
                    continue
                name = f"rest {datatype} in={'bytes' if binary_in else 'json'} out={binary_out}"
                checks[name] = lambda d=datatype, i=binary_in, o=binary_out: infer_rest(d, i, o)
            checks[f"grpc {datatype} {'raw' if binary_in else 'typed'}"] = lambda d=datatype, i=binary_in: infer_grpc(d, i)
    for name, check in checks.items():
        try:
            await check()
            print(json.dumps({"check": name, "ok": True}))
        except Exception as error:
            print(json.dumps({"check": name, "ok": False, "why": f"{type(error).__name__}: {error}"[:300]}))
    await rest.close()
    await grpc.close()


asyncio.run(main())
