// The one catalogue of coded errors. docs/reference/errors.md is generated from it and proven equal to it.

interface Entry {
  /** HTTP status a client sees. 4xx: the caller can mend it. 5xx: we or the deployment must. */
  readonly status: number;
  readonly meaning: string;
  /** What to do about it, in the imperative. */
  readonly remedy: string;
}

const entries = {
  INPUT_EMPTY: { status: 400, meaning: 'The request has no body.', remedy: 'Send the input as the body of a POST.' },
  INPUT_JSON: { status: 400, meaning: 'The body is not JSON.', remedy: 'Send valid UTF-8 JSON.' },
  INPUT_SCHEMA: {
    status: 400,
    meaning: 'The body is JSON but not what the schema of the function asks for.',
    remedy: 'Compare the named fields with the sample request of the function.',
  },
  INPUT_MESSAGE: {
    status: 400,
    meaning: 'The bytes are no HTTP/1.1 request, or no gRPC message of the protocol.',
    remedy: 'Use a client of HTTP, or one made from the protocol’s public proto.',
  },
  INPUT_TENSOR: {
    status: 400,
    meaning: 'A tensor has the wrong name, element type, shape or number of elements.',
    remedy: 'Compare the request with the signature of the model: glowplug inspect, or GET /v2/models/{model}.',
  },
  INPUT_IMAGE: {
    status: 400,
    meaning: 'The body is not an image that can be decoded: not one at all, cut off, or of an unknown format.',
    remedy: 'Send a whole JPEG, PNG, WebP, GIF, TIFF or AVIF as the body.',
  },
  INPUT_AUDIO: {
    status: 400,
    meaning: 'The body is not audio that can be decoded: not one at all, cut off, or compressed.',
    remedy:
      'Send a whole WAV file (ffmpeg -i in.mp3 out.wav makes one), or raw samples with a type such as audio/L16;rate=16000.',
  },
  INPUT_TEXT: {
    status: 400,
    meaning:
      'The body is not text that can be used: none at all, of an unknown charset, or not in the charset that it names.',
    remedy: 'Send JSON { "text": "…" }, or the text itself with Content-Type: text/plain.',
  },
  INPUT_ENCODING: {
    status: 400,
    meaning: 'The body is not compressed as its Content-Encoding says, or in a way that is not read here.',
    remedy:
      'Send gzip, deflate (the zlib format) or no Content-Encoding. Through a function URL send it with Content-Type application/octet-stream: JSON travels as text there, which compressed bytes do not survive.',
  },
  INPUT_TOO_LARGE: {
    status: 413,
    meaning: 'The input is over a limit of bytes, pixels or elements.',
    remedy:
      'Send less, or raise the limit that the message names; what Lambda itself does not carry (6 MB) goes by POST /uploads, with largeBodies: true of InferenceFunction.',
  },
  MODEL_CONTROL_OFF: {
    status: 403,
    meaning: 'Models are not loaded or unloaded over HTTP: which ones a function serves belongs to its deployment.',
    remedy: 'Name the model in the function and deploy it; POST /v2/repository/index tells what is served.',
  },
  MODEL_UNLOADED: {
    status: 503,
    meaning: 'The model was unloaded over the repository’s paths.',
    remedy: 'POST /v2/repository/models/{model}/load, then ask again.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    meaning: 'The path does not answer this method.',
    remedy: 'Use the method that Allow names.',
  },
  NOT_FOUND: {
    status: 404,
    meaning: 'Nothing answers at this path.',
    remedy: 'Send a POST to / for the function itself.',
  },
  EVENT_UNKNOWN: {
    status: 400,
    meaning: 'The Lambda event is of no kind that the function has an adapter for.',
    remedy: 'Invoke through the function URL, or directly with the JSON input as the payload.',
  },
  CALLBACK_FORBIDDEN: {
    status: 403,
    meaning: 'The record asks for its result at a URL that the function may not call.',
    remedy: 'Add the origin to queue.callbacks of inference({ … }), or send the record without a callback.',
  },
  REFERENCE_INVALID: {
    status: 400,
    meaning: 'A model reference does not follow OCI syntax.',
    remedy: 'Write name:tag or name@sha256:<64 hex digits>, the name in lower case.',
  },
  MODEL_NOT_FOUND: {
    status: 404,
    meaning: 'The store or the lock file holds no such model, version or tag.',
    remedy: 'Publish it (glowplug publish), then write the lock file (glowplug lock).',
  },
  MODEL_INVALID: {
    status: 422,
    meaning: 'The file is no ONNX model that can be read: cut off, not ONNX at all, or over a limit.',
    remedy: 'Give the whole .onnx file: copy or export it again.',
  },
  MODEL_UNSUPPORTED: {
    status: 422,
    meaning: 'The model needs an operator, opset or element type that the runtime does not have.',
    remedy: 'Export it with an opset and operators that onnxruntime has; glowplug inspect names them.',
  },
  DIGEST_MISMATCH: {
    status: 502,
    meaning: 'Bytes that were fetched are not the ones that were published. They were not run.',
    remedy: 'Publish the version again and look at who can write to the store.',
  },
  VERSION_YANKED: {
    status: 409,
    meaning: 'The version was marked as not to be used.',
    remedy: 'Use another version: glowplug ls lists them. What pins its digest already goes on.',
  },
  SIGNATURE_INVALID: {
    status: 502,
    meaning: 'The version has no signature that models.keys.json trusts. It was not used.',
    remedy: 'Sign it with a trusted key (glowplug sign), or look at who can write to the store.',
  },
  BELOW_FLOOR: {
    status: 409,
    meaning: 'The version is below the floor that models.keys.json sets for the model.',
    remedy:
      'Use a version at the floor or above. If it must be, a person lowers the floor, or says --force-below-floor.',
  },
  GATE_FAILED: {
    status: 409,
    meaning: 'A variant was not measured, or is not as accurate as its gate in models/ asks for. It was not published.',
    remedy: 'Measure it (glowplug optimize --write) and commit the outcome; leave out a variant that does not pass.',
  },
  LOCK_STALE: {
    status: 500,
    meaning: 'models.lock.json is absent, unreadable, or does not hold a model that a function uses.',
    remedy: 'Run glowplug lock and commit the result.',
  },
  CLIENT_STALE: {
    status: 500,
    meaning: 'A client in the repository is not the one that its function has now.',
    remedy: 'Write it again with glowplug client and commit the result.',
  },
  STORE_UNAVAILABLE: {
    status: 503,
    meaning: 'The store did not answer within its deadline, or answered with an error of its own.',
    remedy: 'Try again; if it stays, look at the endpoint, the credentials and the bucket policy.',
  },
  STORE_FORBIDDEN: {
    status: 500,
    meaning: 'The store refused the credentials.',
    remedy:
      'Grant the function read access to the models it names (InferenceFunction does), and look at the clock. Without s3:ListBucket S3 answers this for an object that is not there, too: look whether it was published.',
  },
  STORE_CONFLICT: {
    status: 409,
    meaning: 'Somebody else wrote first, or the name is written once and is taken.',
    remedy: 'Read what is there now, then decide again.',
  },
  DISK_FULL: {
    status: 507,
    meaning: 'The disk that holds the cache or the store is full. What was begun was removed.',
    remedy: 'Free space, give the function more ephemeral storage, or set GLOWPLUG_CACHE to a larger disk.',
  },
  PROVIDER_UNAVAILABLE: {
    status: 500,
    meaning: 'The execution provider that was named does not load, or computes something else than the CPU.',
    remedy: 'Install what the message names, or let auto choose: it says why it passes one over.',
  },
  DEVICE_MEMORY: {
    status: 507,
    meaning: 'The device has no memory left for this run.',
    remedy: 'Send fewer rows, lower --memory so that fewer models are open at once, or take a larger device.',
  },
  MEMORY_BUDGET: {
    status: 507,
    meaning: 'The models in use do not fit into the memory budget at once.',
    remedy: 'Give the function more memory, or let it use fewer models at once.',
  },
  SESSION_FAILED: {
    status: 500,
    meaning: 'onnxruntime failed to run the model.',
    remedy: 'Read the log line with the request id of this answer.',
  },
  SESSION_LOST: {
    status: 503,
    meaning:
      'A run did not end within its limit, or the thread or process that ran the model ended. It is being replaced.',
    remedy: 'Try again in some seconds; if it comes back, look at the log and at this input.',
  },
  SERVER_BUSY: {
    status: 503,
    meaning: 'The server takes no new work now: it is starting or shutting down.',
    remedy: 'Try again after the seconds that Retry-After names.',
  },
  UNAUTHORIZED: {
    status: 401,
    meaning: 'The request carries no API key that the server knows.',
    remedy: 'Send Authorization: Bearer <key>, or X-Api-Key: <key>.',
  },
  REQUEST_SLOW: {
    status: 408,
    meaning: 'The request did not arrive within its time.',
    remedy: 'Send it faster, or raise the timeout of the server.',
  },
  MODEL_UNAVAILABLE: {
    status: 503,
    meaning: 'A model of the function could not be loaded.',
    remedy: 'Read the log line with the request id of this answer; it names the model and the cause.',
  },
  OUTPUT_TOO_LARGE: {
    status: 413,
    meaning: 'The answer is over the 6 MB that Lambda carries, or the 1 MB of a load balancer.',
    remedy:
      'Give InferenceFunction largeBodies: true, and the answer is led to in S3; or ask for fewer outputs or rows, for binary_data, or accept gzip.',
  },
  OUTPUT_JSON: {
    status: 500,
    meaning: 'The model answered with a value that JSON cannot carry: NaN, Infinity, or bytes that are not UTF-8.',
    remedy:
      'Ask for the output with binary_data, which carries every value; or look at the input and the model, and mend or mask the value in encode.',
  },
  CONFIG_INVALID: {
    status: 500,
    meaning: 'The environment, an option or a file of the app has a value that cannot be used.',
    remedy: 'Set it as the message says.',
  },
  DEPENDENCY_MISSING: {
    status: 500,
    meaning: 'A package that this feature needs is not installed.',
    remedy: 'Install the package that the message names.',
  },
  QUEUE_FULL: {
    status: 429,
    meaning: 'More requests wait for the model than its queue holds.',
    remedy: 'Try again after the seconds that Retry-After names.',
  },
  SHUTTING_DOWN: {
    status: 503,
    meaning: 'The host is closing, or replacing the model, and takes no more requests.',
    remedy: 'Try again: another host, or the next version, answers.',
  },
  CLIENT_GONE: {
    status: 499,
    meaning: 'The client left before its answer was ready. What had not begun for it was not begun.',
    remedy: 'Give the client more time than the answer takes, or make the answer faster.',
  },
  DEADLINE: {
    status: 504,
    meaning: 'The answer was not ready within the deadline.',
    remedy: 'Try again, or raise the timeout.',
  },
  DELIVERY_FAILED: {
    status: 502,
    meaning: 'A result was written, but the queue or the callback that is to be told of it did not take it.',
    remedy: 'Look at the callback’s host, or at the right to send to the result queue; the record is delivered again.',
  },
  INTERNAL: {
    status: 500,
    meaning: 'A fault of the function or of glowplug.',
    remedy: 'Read the log line with the request id of this answer.',
  },
} satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof entries;
export const catalogue: Readonly<Record<ErrorCode, Entry>> = entries;
