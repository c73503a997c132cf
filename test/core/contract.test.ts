// What the environment of a host says, read and written: where credentials come from, where models run.
import { describe, expect, it } from 'vitest';
import { readContract, writeContract } from '../../src/core/contract.ts';

describe('the contract', () => {
  it('of a task on ECS, or a container on SageMaker, asks for credentials where the host names a path', () => {
    const path = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials/1' };
    expect(readContract(path).credentialSource).toEqual({
      url: 'http://169.254.170.2/v2/credentials/1',
      token: undefined,
    });
    // As AWS's SDKs: what the owner gave goes first; a snapshot's whole URL before a path.
    const own = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    expect(readContract({ ...path, ...own }).credentialSource).toBeUndefined();
    const whole = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:9/', AWS_CONTAINER_AUTHORIZATION_TOKEN: 't' };
    expect(readContract({ ...path, ...whole }).credentialSource).toEqual({ url: 'http://127.0.0.1:9/', token: 't' });
    expect(readContract({}).credentialSource).toBeUndefined();
  });

  it('says where models run, and refuses what is no such place', () => {
    expect(readContract({}).provider).toBeUndefined();
    expect(readContract({ GLOWPLUG_PROVIDER: 'auto' }).provider).toBe('auto');
    expect(() => readContract({ GLOWPLUG_PROVIDER: 'gpu' })).toThrow(
      /to be auto, tensorrt, cuda, webgpu, cpu, got gpu/,
    );
  });

  it('is read as it was written', () => {
    const written = { store: 's3://models', stage: 'prod', modelsMb: 23_622, workers: 1 };
    const read = readContract({ ...writeContract(written), AWS_LAMBDA_MAX_CONCURRENCY: '8' });
    expect(read).toMatchObject(written);
  });
});
