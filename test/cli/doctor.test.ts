import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { doctorCommand } from '../../src/cli/doctor.ts';
import { credentialsFinding, machineChecks, machineFinding, nodeFinding } from '../../src/cli/machine-checks.ts';
import { runCommand } from './run-command.ts';

describe('glowplug doctor', () => {
  it('finds on this machine what the tests themselves run on', async () => {
    const { stdout } = await runCommand(doctorCommand(), '--json');
    const { findings } = JSON.parse(stdout);
    const status = Object.fromEntries(findings.map((one: { name: string; status: string }) => [one.name, one.status]));
    expect(status).toMatchObject({
      npm: 'ok',
      'onnxruntime-node': 'ok',
      esbuild: 'ok',
      sharp: 'ok',
      'aws-lambda-ric': 'ok',
      'aws-cdk-lib': 'ok',
      docker: 'ok',
    });
  });

  it('prints a line for each check, a remedy below what is not there, and ends with 1 only when something needed is missing', async () => {
    const { exitCode, stdout } = await runCommand(doctorCommand());
    for (const name of Object.keys(machineChecks)) expect(stdout).toMatch(new RegExp(`^[✓!✗] ${name} `, 'm'));
    expect(exitCode).toBe(stdout.includes('Nothing that is needed is missing.') ? 0 : 1);
  });

  it('says of an empty folder which packages are missing and how to get them', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'package.json'), '{}');
    expect(await machineChecks['onnxruntime-node']!(folder.path)).toEqual({
      status: 'missing',
      found: 'not installed',
      remedy: 'npm i onnxruntime-node',
    });
    expect(await machineChecks['sharp']!(folder.path)).toMatchObject({ status: 'advice', found: 'not installed' });
    expect(await machineChecks['aws-lambda-ric']!(folder.path)).toMatchObject({
      status: 'missing',
      found: 'not installed',
    });
    expect(await machineChecks['fauxqs']!(folder.path)).toEqual({
      status: 'advice',
      found: 'not installed',
      remedy: 'npm i -D fauxqs@2: an app with queues needs it to run here',
    });
    expect(await machineChecks['lock file']!(folder.path)).toEqual({
      status: 'ok',
      found: 'no functions/ here, none needed',
    });
  });

  it('tells a package that is broken from one that is absent', async () => {
    await using folder = await temporaryFolder();
    const esbuild = join(folder.path, 'node_modules', 'esbuild');
    await mkdir(esbuild, { recursive: true });
    await writeFile(join(esbuild, 'package.json'), '{"version":"1.2.3","main":"index.js"}');
    await writeFile(join(esbuild, 'index.js'), 'throw new Error("wrong architecture")');
    expect(await machineChecks['esbuild']!(folder.path)).toMatchObject({
      status: 'missing',
      found: 'installed, but it does not load',
    });
    await writeFile(join(esbuild, 'index.js'), 'exports.transform = async () => ({ code: "" })');
    expect(await machineChecks['esbuild']!(folder.path)).toMatchObject({ status: 'missing' });
  });

  it('names a port that somebody else has', async () => {
    await using folder = await temporaryFolder();
    const server = createServer();
    // Taken already by a neighbour of this test: then it is in use all the same.
    await new Promise<void>((resolve) => server.once('error', () => resolve()).listen(9000, '127.0.0.1', resolve));
    try {
      expect(await machineChecks['ports']!(folder.path)).toMatchObject({ status: 'advice', found: '9000 is in use' });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it.each([
    ['v24.21.0', 'ok'],
    ['v22.18.0', 'advice'],
    ['v26.0.0', 'advice'],
    ['v22.17.0', 'missing'],
    ['v20.20.2', 'missing'],
  ])('Node %s: %s', (version, status) => {
    expect(nodeFinding(version).status).toBe(status);
  });

  it.each([
    ['linux', 'arm64', 'ok'],
    ['darwin', 'arm64', 'advice'],
    ['linux', 'riscv64', 'missing'],
  ])('a machine of %s %s: %s', (platform, arch, status) => {
    expect(machineFinding(platform, arch).status).toBe(status);
  });

  it('says whether there are AWS credentials and never what they are', async () => {
    await using home = await temporaryFolder();
    const secret = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'hush' };
    expect(JSON.stringify(credentialsFinding(secret, home.path))).toBe(
      '{"status":"ok","found":"AWS_ACCESS_KEY_ID is set"}',
    );
    expect(credentialsFinding({}, home.path).status).toBe('advice');
    await mkdir(join(home.path, '.aws'));
    await writeFile(join(home.path, '.aws', 'credentials'), '[default]\naws_secret_access_key = hush\n');
    expect(credentialsFinding({}, home.path)).toEqual({ status: 'ok', found: '~/.aws/credentials is there' });
  });
});

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'glowplug-doctor-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
