// How a scikit-learn estimator is opened, exported and asked: what follows the prelude of scripts.ts.

const open = String.raw`import re, traceback, zlib
import joblib, sklearn
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
source = job["source"]
file = os.path.basename(source)

def version_of(data):
    """Each estimator's state holds the version that wrote it."""
    try:
        data = zlib.decompress(data, 47)  # zlib's or gzip's, as joblib compresses
    except zlib.error:
        pass
    found = re.search(rb"_sklearn_version.{1,24}?(\d+\.\d+(\.\d+)?(rc\d+)?)", data, re.DOTALL)
    return found[1].decode() if found else sklearn.__version__

written = version_of(open(source, "rb").read())
if written != sklearn.__version__:
    tell(remedy=f"Written by scikit-learn {written}, read by {sklearn.__version__}: --package scikit-learn=={written}")
try:
    model = joblib.load(source)
except Exception as error:
    if written != sklearn.__version__:
        raise
    why = traceback.format_exception_only(type(error), error)[-1].strip()
    if isinstance(error, (ImportError, AttributeError)):
        refuse(f"{file} needs what is not installed: {why}", "A class of another package: --package NAME==VERSION. One of your own script or notebook: "
               "leave its step out of the pipeline and do it in decode, or call skl2onnx.to_onnx in that script.")
    refuse(f"{file} is no pickle that opens: {why}", "Save the fitted estimator with joblib.dump(estimator, file), and look whether the file was copied whole.")
kind = type(model).__name__
if not (hasattr(model, "predict") or hasattr(model, "transform")):
    refuse(f"{file} holds a {kind}, expected a fitted estimator that predicts or transforms", "Save the estimator itself with joblib.dump(estimator, file), without what is around it.")
numbers = ("Texts and DataFrames are not taken. Save the steps that take numbers, such as joblib.dump(pipeline[1:], file), "
           "and do those before them in decode.")
width = getattr(model, "n_features_in_", None)
if width is None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted
    try:
        check_is_fitted(model)
    except NotFittedError:
        refuse(f"{file} holds a {kind} that is not fitted", "Call fit, then save it.")
    refuse(f"{file} holds a {kind} that takes texts or other objects, expected one that takes rows of numbers", numbers)
`;

const exportAndAsk = `
def export():
    # Arrays in the place of dicts, and in the place of made-up probabilities what decision_function answers: not every converter knows both.
    raw = {} if hasattr(model, "predict_proba") else {"raw_scores": True}
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    tries = [{id(model): {"zipmap": False}, id(last): {"zipmap": False, **raw}}, {id(model): {"zipmap": False}}, None,
             # A pipeline hands zipmap to a LinearSVC, which has none, unless the step has options of its own.
             {id(last): {"output_class_labels": False}}]
    for options in tries:
        try:
            return to_onnx(model, initial_types=[("x", FloatTensorType([None, width]))], options=options, target_opset={"": job["opset"], "ai.onnx.ml": 3})
        except NameError:
            if options is tries[-1]:
                raise

try:
    exported = export()
except RuntimeError as error:
    if "column name" not in str(error):
        raise
    columns = [str(name) for name in model.feature_names_in_]
    refuse(f"{file} holds a {kind} that takes a DataFrame with {', '.join(columns[:5])}{' …' if columns[5:] else ''}, expected one that takes rows of numbers", numbers)
open(target, "wb").write(exported.SerializeToString())
outputs = exported.graph.output
feeds = samples(rows("x", width))

def ask(method, x):
    try:
        return getattr(model, method)(x)
    except ValueError:  # KMeans takes the type alone that it was fitted on
        return getattr(model, method)(x.astype(np.float64))

def output(value, x):
    methods = ["predict", "transform"]
    if len(outputs) > 1 and value is not outputs[0]:
        methods = ["predict_proba", "decision_function"] + ["transform"] * (value.name == "scores")
    known = [method for method in methods if hasattr(model, method)]
    if not known:
        return None
    answered = ask(known[0], x)
    # Of two classes decision_function scores the second.
    two = known[0] == "decision_function" and value.type.tensor_type.shape.dim[-1].dim_value == 2
    return np.stack([-answered, answered], axis=1) if two and answered.ndim == 1 else answered

def answer(feed):
    return [output(value, feed["x"]) for value in outputs]
finish("skl2onnx.to_onnx", ["scikit-learn", "skl2onnx", "onnx"], feeds, answer)
`;

export const scikitLearn = open + exportAndAsk;
