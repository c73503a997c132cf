// Ends a build whose base images are not named by digest: a tag is another image tomorrow.

const loose = process.argv.slice(2).filter((name) => !/@sha256:[0-9a-f]{64}$/.test(process.env[name] ?? ''));
if (loose.length > 0) {
  console.error(`expected ${loose.join(' and ')} as image:tag@sha256:<64 hex digits>: --build-arg ${loose[0]}=…`);
  process.exitCode = 1;
}
