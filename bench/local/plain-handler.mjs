// The function that each contestant runs: what it is asked decides what it does.
const loaded = Math.random();
let ticks = 0;
setInterval(() => ticks++, 10);

export async function handler(event) {
  // lambda-local hands over the body as parsed JSON.
  const { does } = typeof event.body === 'string' ? JSON.parse(event.body) : (event.body ?? {});
  if (does === 'ticks') return answer({ ticks, loaded });
  if (does === 'too large') return { statusCode: 200, body: 'x'.repeat(7 * 1024 * 1024) };
  if (does === 'hang') await new Promise((resolve) => setTimeout(resolve, 8_000));
  if (does === 'allocate') return answer({ bytes: Buffer.alloc(600 * 1024 * 1024, 1).length });
  return answer({ ok: true });
}

const answer = (body) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
