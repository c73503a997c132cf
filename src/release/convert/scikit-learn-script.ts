// How a scikit-learn estimator is opened, exported and asked: what follows the prelude of scripts.ts.

export const scikitLearn = `import joblib
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
model = joblib.load(job["source"])
width = getattr(model, "n_features_in_", None)
if width is None:
    raise SystemExit("the estimator does not say how many features it takes (n_features_in_): is it fitted?")
is_classifier = hasattr(model, "predict_proba")
options = {"zipmap": False} if is_classifier else None
exported = to_onnx(model, initial_types=[("x", FloatTensorType([None, width]))], options=options and {id(model): options}, target_opset=job["opset"])
open(target, "wb").write(exported.SerializeToString())
feeds = samples(rows("x", width))
def answer(feed):
    x = feed["x"]
    if is_classifier:
        return [model.predict(x), model.predict_proba(x).astype(np.float32)]
    predicted = model.predict(x) if hasattr(model, "predict") else model.transform(x)
    return [np.asarray(predicted, dtype=np.float32).reshape(len(x), -1)]
finish("skl2onnx.to_onnx", ["scikit-learn", "skl2onnx", "onnx"], feeds, answer)
`;
