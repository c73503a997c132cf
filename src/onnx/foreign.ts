// Names what a file is that people hand over instead of an ONNX model, by its first bytes.

const kinds: readonly { readonly at: number; readonly magic: string; readonly name: string }[] = [
  { at: 0, magic: 'version https://git-lfs', name: 'a Git LFS pointer (run git lfs pull)' },
  { at: 0, magic: 'PK\x03\x04', name: 'a ZIP archive, as PyTorch and Keras write' },
  ...['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'].map((magic) => ({
    at: 0,
    magic,
    name: 'a Python pickle, as PyTorch and scikit-learn write',
  })),
  { at: 0, magic: '\x89HDF', name: 'an HDF5 file, as Keras writes' },
  { at: 4, magic: 'TFL3', name: 'a TensorFlow Lite model' },
  { at: 4, magic: 'ORTM', name: 'an ORT-format model (use the .onnx file that it was made from)' },
  { at: 0, magic: 'GGUF', name: 'a GGUF model' },
  { at: 0, magic: '<', name: 'HTML or XML, as a failed download leaves' },
  { at: 0, magic: '{', name: 'JSON' },
  { at: 8, magic: '{"', name: 'a safetensors file: weights without a graph' },
];

/** What the bytes look like, or undefined when they look like nothing known. */
export function recognise(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  const kind = kinds.find(({ at, magic }) => head.startsWith(magic, at));
  return kind?.name ?? (/^[\t\n\r\x20-\x7e]+$/.test(head) ? 'a text file' : undefined);
}
