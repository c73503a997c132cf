# What Python's onnxruntime.quantization makes of the same models and samples.
# usage: reference.py KIND MODEL SAMPLES OUT; KIND is static, dynamic or float16. Prints the seconds it took.
import glob
import sys
import time

import numpy
import onnx
import onnx.shape_inference
import onnx.version_converter
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, quantize_dynamic, quantize_static
from onnxconverter_common import float16

kind, model, samples, out = sys.argv[1:5]
prepared = out + ".prepared.onnx"


class Reader(CalibrationDataReader):
    def __init__(self):
        self.paths = iter(sorted(glob.glob(samples + "/*.npy")))

    def get_next(self):
        path = next(self.paths, None)
        return None if path is None else {"x": numpy.load(path)}


start = time.time()
if kind == "float16":
    onnx.save(float16.convert_float_to_float16(onnx.load(model), keep_io_types=True), out)
else:
    source = onnx.load(model)
    # ONNX has a scale for each channel from opset 13 on: below it, version 1.32 writes a model that does not load.
    if source.opset_import[0].version < 13:
        model = out + ".raised.onnx"
        onnx.save(onnx.version_converter.convert_version(source, 13), model)
    # What quant_pre_process does, which its documentation asks for: weights in Constant nodes become initialisers, without which they stay
    # float, and what follows a convolution goes into it. Version 1.30 throws the optimised model away unless sympy is there.
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = prepared
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    onnxruntime.InferenceSession(model, options)
    onnx.shape_inference.infer_shapes_path(prepared, prepared)
    if kind == "dynamic":
        quantize_dynamic(prepared, out, per_channel=True)
    else:
        quantize_static(prepared, out, Reader(), per_channel=True)
print(time.time() - start)
