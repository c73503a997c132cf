// What a Dockerfile of ours keeps to, as rules over its instructions.

interface Instruction {
  readonly line: number;
  readonly name: string;
  readonly value: string;
}

interface Stage {
  readonly from: string;
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** One finding a line; `final` names the stages that become images. */
export function lintDockerfile(text: string, final: readonly string[]): string[] {
  const instructions = parse(text);
  const stages = stagesOf(instructions);
  const names = stages.map(({ name }) => name);
  const findings: string[] = [];
  const say = ({ line }: { line: number }, what: string) => findings.push(`${line}: ${what}`);
  for (const instruction of instructions) {
    const { name, value } = instruction;
    if (name === 'FROM') {
      const image = value.split(/\s+/)[0]!;
      const known = names.includes(image) || image === 'scratch' || /^\$\{\w+_IMAGE\}$/.test(image);
      if (!known) say(instruction, 'FROM names a stage, or an image by an argument');
    }
    if (name === 'ARG' && /_IMAGE=/.test(value)) say(instruction, 'an image has no default: it is named by digest');
    if (name === 'ADD' && !value.includes('--checksum=sha256:')) say(instruction, 'ADD checks what it fetches');
    if (/^(RUN|CMD|ENTRYPOINT)$/.test(name) && !/^\[".*"\]$/.test(value)) say(instruction, `${name} needs no shell`);
    if (name === 'RUN' && /"npm", "(install|i)"/.test(value))
      say(instruction, 'npm ci installs what the lock file says');
    if (name === 'RUN' && /"npm", "ci"/.test(value) && !value.includes('"--ignore-scripts"'))
      say(instruction, 'npm ci runs no scripts of packages');
    if (/^(ENV|ARG)$/.test(name) && /(secret|token|password|_key)\b/i.test(value))
      say(instruction, 'an image holds no secrets');
  }
  for (const stage of stages.filter(({ name }) => final.includes(name))) {
    const end = stage.instructions.at(-1) ?? { line: 0, name: '', value: '' };
    if (stage.instructions.some(({ name }) => name === 'RUN'))
      say(end, `${stage.name}: an image’s last stage only copies`);
    const users = stage.instructions.filter(({ name }) => name === 'USER');
    if (!/^[1-9]\d*:[1-9]\d*$/.test(users.at(-1)?.value ?? ''))
      say(end, `${stage.name}: USER is a number that is not root`);
    const copies = stage.instructions.filter(({ name, value }) => name === 'COPY' && !/--from=\w+ /.test(value));
    for (const copy of copies) say(copy, `${stage.name}: takes files of other stages alone`);
  }
  for (const name of final) if (!names.includes(name)) findings.push(`0: no stage ${name}`);
  return findings;
}

function parse(text: string): Instruction[] {
  const found: Instruction[] = [];
  let open = '';
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    open += line.replace(/\\$/, ' ');
    if (line.endsWith('\\')) continue;
    const [, name = '', value = ''] = /^(\w+)\s+(.*)$/.exec(open) ?? [];
    found.push({ line: at + 1, name: name.toUpperCase(), value: value.trim() });
    open = '';
  }
  return found;
}

function stagesOf(instructions: readonly Instruction[]): Stage[] {
  const stages: { from: string; name: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    const [from = '', , name = ''] = instruction.value.split(/\s+/);
    if (instruction.name === 'FROM') stages.push({ from, name, instructions: [] });
    else stages.at(-1)?.instructions.push(instruction);
  }
  return stages;
}
