// Written by `glowplug lock` from models.lock.json: what goes into each model and what comes out.
import 'glowplug';

declare module 'glowplug' {
  interface ModelRegistry {
    'iris:prod': {
      inputs: { x: 'FP32' };
      outputs: { class: 'INT64'; probabilities: 'FP32' };
    };
    'ppocr-cls:prod': {
      inputs: { x: 'FP32' };
      outputs: { 'softmax_0.tmp_0': 'FP32' };
    };
    'ppocr-det:prod': {
      inputs: { x: 'FP32' };
      outputs: { 'sigmoid_0.tmp_0': 'FP32' };
    };
    'ppocr-rec:prod': {
      inputs: { x: 'FP32' };
      outputs: { 'softmax_11.tmp_0': 'FP32' };
    };
    'silero-vad:prod': {
      inputs: { input: 'FP32'; state: 'FP32'; sr: 'INT64' };
      outputs: { output: 'FP32'; stateN: 'FP32' };
    };
    'spam:prod': {
      inputs: { words: 'INT64' };
      outputs: { probability: 'FP32'; contributions: 'FP32' };
    };
    'toy-encoder:prod': {
      inputs: { input_ids: 'INT64'; attention_mask: 'INT64' };
      outputs: { last_hidden_state: 'FP32' };
    };
  }
}
