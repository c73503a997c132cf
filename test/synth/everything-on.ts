// Stages that ask for all that infra/config.ts knows: what is tested of them holds for those that ask for less.
import type { StageSettings, Stages } from '../../infra/config.ts';
import { stages } from '../../infra/stages.ts';

const on = (stage: StageSettings): StageSettings => ({
  ...stage,
  rollouts: true,
  dashboard: true,
  page: ['ops@example.com'],
  github: { repository: 'garden/flowers' },
  functions: { ...stage.functions, iris: { quality: true }, spam: { queue: true, quality: true } },
});

export const everythingOn: Stages = { dev: on(stages.dev), staging: on(stages.staging), prod: on(stages.prod) };
