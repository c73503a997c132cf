// The Python that runs each framework's own exporter. A script reads a job, writes model.onnx, what the framework itself
// answers to each sample (expected/*.npz beside feeds/*.npz), and report.json; told.json where it knows more than the exporter.
import { scikitLearn } from './scikit-learn-script.ts';

const prelude = `import json, os, platform, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
job = json.load(open(sys.argv[1]))
target = os.path.join(job["folder"], "model.onnx")

def tell(**what):
    json.dump(what, open(os.path.join(job["folder"], "told.json"), "w"))

def refuse(message, remedy):
    """Ends with words of our own; what else ends it is the exporter's."""
    tell(message=" ".join(message.split()), remedy=remedy)
    raise SystemExit(message)

def sample(path, specs):
    what, names = f"sample {json.dumps(os.path.basename(path))}", [spec["name"] for spec in specs]
    remedy = f"Save the inputs by name: numpy.savez(file, {', '.join(name + '=…' for name in names)})."
    try:
        arrays = dict(np.load(path))
    except Exception as error:
        refuse(f"{what}: expected a .npz of NumPy, got one that does not open: {error}", remedy)
    if set(arrays) != set(names):
        refuse(f"{what}: expected inputs {json.dumps(names)}, got {json.dumps(list(arrays))}", remedy)
    for spec in specs:
        array, dims = arrays[spec["name"]], spec.get("dims")
        if not np.can_cast(array.dtype, spec["type"], "same_kind"):
            refuse(f"{what}: expected {spec['type']} for input {json.dumps(spec['name'])}, got {array.dtype}", remedy)
        if dims and (len(dims) != array.ndim or any(size != length for (free, size), length in zip(dims, array.shape) if not free)):
            shape = ",".join(free or str(size) for free, size in dims)
            refuse(f"{what}: expected shape [{shape}] for input {json.dumps(spec['name'])}, got {list(array.shape)}", remedy)
    return {spec["name"]: arrays[spec["name"]].astype(spec["type"]) for spec in specs}

def samples(specs):
    """The user's samples, or some that are the same in every run."""
    if job["samples"]:
        return [sample(path, specs) for path in job["samples"]]
    rng = np.random.default_rng(0)
    def one(spec):
        shape = [size for _, size in spec["dims"]]
        if spec["type"].startswith("float"):
            return rng.standard_normal(shape).astype(spec["type"])
        return rng.integers(0, 2 if spec["type"] == "bool" else 10, shape).astype(spec["type"])
    return [{spec["name"]: one(spec) for spec in specs} for _ in range(8)]

def rows(name, width):
    return [{"name": name, "type": "float32", "dims": [["N", 4], [None, width]]}]

def finish(exporter, packages, feeds, answer):
    """answer(feed) gives the outputs in the order of the ONNX model's."""
    import importlib.metadata as metadata
    import onnx
    model = onnx.load(target, load_external_data=False)
    names = [value.name for value in model.graph.output]
    for folder in ("feeds", "expected"):
        os.makedirs(os.path.join(job["folder"], folder), exist_ok=True)
    answer(feeds[0])  # what the first run alone takes is not counted
    seconds = []
    for index, feed in enumerate(feeds):
        start = time.perf_counter()
        outputs = answer(feed)
        seconds.append(time.perf_counter() - start)
        outputs = [np.ascontiguousarray(output) for output in outputs]
        if len(outputs) != len(names):
            raise SystemExit(f"expected {len(names)} outputs of the framework, got {len(outputs)}")
        kept = {name: output for name, output in zip(names, outputs) if output.dtype.kind in "fiub"}
        if not kept:
            refuse("the framework answers no numbers to compare", "Leave it an output of numbers, such as probabilities.")
        np.savez(os.path.join(job["folder"], "feeds", f"{index}.npz"), **feed)
        np.savez(os.path.join(job["folder"], "expected", f"{index}.npz"), **kept)
    versions = {name: metadata.version(name) for name in packages}
    json.dump({"exporter": exporter, "python": platform.python_version(), "versions": versions, "samples": len(feeds),
               "milliseconds": 1000 * sorted(seconds)[len(seconds) // 2]},
              open(os.path.join(job["folder"], "report.json"), "w"))
`;

const torchscript = `import torch
try:
    model = torch.jit.load(job["source"], map_location="cpu").eval()
except RuntimeError as error:
    refuse("expected TorchScript: a file of torch.save holds weights, or a pickle, without the model's graph. " + str(error).splitlines()[0],
           "Save torch.jit.trace(model, example), or torch.export.save of the model.")
specs = job["inputs"]
feeds = samples(specs)
def tensors(feed):
    return tuple(torch.from_numpy(feed[spec["name"]]) for spec in specs)
def answer(feed):
    with torch.no_grad():
        outputs = model(*tensors(feed))
    return [output.numpy() for output in (outputs if isinstance(outputs, (tuple, list)) else (outputs,))]
count = len(answer(feeds[0]))
axes = {spec["name"]: {axis: name for axis, (name, _) in enumerate(spec["dims"]) if name} for spec in specs}
outputs = [f"output{index}" if count > 1 else "output" for index in range(count)]
if any(axes.values()):
    axes.update({name: {0: "N"} for name in outputs})
torch.onnx.export(model, tensors(feeds[0]), target, input_names=[spec["name"] for spec in specs], output_names=outputs,
                  dynamic_axes=axes, opset_version=job["opset"], dynamo=False)
finish("torch.onnx.export(dynamo=False)", ["torch", "onnx"], feeds, answer)
`;

const torchExport = `import torch
program = torch.export.load(job["source"])
exported = torch.onnx.export(program, dynamo=True, opset_version=max(job["opset"], 18), verbose=False)
exported.save(target, external_data=False)
import onnx
inputs = onnx.load(target).graph.input
names = [value.name for value in inputs]
module = program.module()
if job["samples"]:
    feeds = samples([{"name": value.name, "type": onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name} for value in inputs])
elif program.example_inputs:
    args, kwargs = program.example_inputs
    feeds = [{name: value.detach().numpy() for name, value in zip(names, list(args) + list(kwargs.values()))}]
else:
    refuse("the program holds no example inputs", "Give --samples.")
def answer(feed):
    with torch.no_grad():
        outputs = module(*[torch.from_numpy(feed[name]) for name in names])
    return [output.numpy() for output in (outputs if isinstance(outputs, (tuple, list)) else (outputs,))]
finish("torch.onnx.export(dynamo=True)", ["torch", "onnx", "onnxscript"], feeds, answer)
`;

const tensorflow = `os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
import subprocess
kind, source = job["framework"], job["source"]
import keras
import tensorflow as tf
if kind == "keras":
    model = keras.saving.load_model(source, compile=False)
    source = os.path.join(job["folder"], "saved")
    model.export(source, verbose=False)
flag = "--tflite" if kind == "tflite" else "--saved-model"
exporter = subprocess.run([sys.executable, "-m", "tf2onnx.convert", flag, source, "--output", target, "--opset", str(job["opset"])],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
if exporter.returncode:
    raise SystemExit(exporter.stderr)
import onnx
loaded = onnx.load(target)
types = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 11: "float64"}
def spec(value):
    tensor = value.type.tensor_type
    if tensor.elem_type not in types:
        refuse(f"the input {value.name} holds {onnx.TensorProto.DataType.Name(tensor.elem_type)}, expected numbers", "Leave what reads it out of the model.")
    dims = [["N", 4] if axis == 0 and not dim.dim_value else [None if dim.dim_value else "?", dim.dim_value or 8] for axis, dim in enumerate(tensor.shape.dim)]
    return {"name": value.name, "type": types[tensor.elem_type], "dims": dims}
given = {tensor.name for tensor in loaded.graph.initializer}
specs = [spec(value) for value in loaded.graph.input if value.name not in given]
names = [value.name for value in loaded.graph.output]
feeds = samples(specs)
if kind == "keras":
    def answer(feed):
        outputs = model(feed if len(feed) > 1 else next(iter(feed.values())))
        if isinstance(outputs, dict):
            return [np.asarray(outputs[name]) for name in names]
        outputs = outputs if isinstance(outputs, (tuple, list)) else [outputs]
        return [np.asarray(outputs[int(name.rsplit("_", 1)[1])]) for name in names]
elif kind == "saved-model":
    saved = tf.saved_model.load(source)
    run = saved.signatures["serving_default"]
    def answer(feed):
        outputs = run(**{name.split(":")[0]: tf.constant(value) for name, value in feed.items()})
        return [outputs[name.split(":")[0]].numpy() for name in names]
else:
    lite = tf.lite.Interpreter(model_path=source)
    def answer(feed):
        for detail in lite.get_input_details():
            lite.resize_tensor_input(detail["index"], feed[detail["name"]].shape)
        lite.allocate_tensors()
        for detail in lite.get_input_details():
            lite.set_tensor(detail["index"], feed[detail["name"]])
        lite.invoke()
        return [lite.get_tensor(detail["index"]) for detail in lite.get_output_details()]
import importlib.metadata
[tensorflow] = importlib.metadata.packages_distributions()["tensorflow"]
finish("tf2onnx", [tensorflow, "keras", "tf2onnx", "onnx"], feeds, answer)
`;

const xgboost = `import xgboost
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
booster = xgboost.Booster(model_file=job["source"])
width = booster.num_features()
exported = convert_xgboost(booster, initial_types=[("x", FloatTensorType([None, width]))], target_opset=min(job["opset"], 15))
open(target, "wb").write(exported.SerializeToString())
feeds = samples(rows("x", width))
names = [value.name for value in exported.graph.output]
def answer(feed):
    scores = booster.predict(xgboost.DMatrix(feed["x"]), strict_shape=True)
    if len(names) == 1:
        return [scores.astype(np.float32)]
    both = np.hstack([1 - scores, scores]) if scores.shape[1] == 1 else scores
    return [both.argmax(axis=1), both.astype(np.float32)]
finish("onnxmltools.convert_xgboost", ["xgboost", "onnxmltools", "onnx"], feeds, answer)
`;

const lightgbm = `import lightgbm
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
booster = lightgbm.Booster(model_file=job["source"])
width = booster.num_feature()
exported = convert_lightgbm(booster, initial_types=[("x", FloatTensorType([None, width]))], target_opset=min(job["opset"], 15), zipmap=False)
open(target, "wb").write(exported.SerializeToString())
feeds = samples(rows("x", width))
names = [value.name for value in exported.graph.output]
def answer(feed):
    scores = np.asarray(booster.predict(feed["x"]), dtype=np.float32)
    if len(names) == 1:
        return [scores.reshape(len(feed["x"]), -1)]
    both = np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores
    return [both.argmax(axis=1), both]
finish("onnxmltools.convert_lightgbm", ["lightgbm", "onnxmltools", "onnx"], feeds, answer)
`;

/** By name; each is a whole program. */
export const scripts = {
  torchscript: prelude + torchscript,
  'torch-export': prelude + torchExport,
  tensorflow: prelude + tensorflow,
  'scikit-learn': prelude + scikitLearn,
  xgboost: prelude + xgboost,
  lightgbm: prelude + lightgbm,
} as const;
export type ScriptName = keyof typeof scripts;
