// The stages of this app: yours to change. infra/config.ts checks every word of it when the app is synthesised.
import type { FunctionSettings, Stages } from './config.ts';

/** Of every stage. */
const functions: Record<string, FunctionSettings> = {
  // Segments are told as they are found.
  speech: { streaming: true },
};

/**
 * Account and region come from the credentials of whoever deploys, until they are written here:
 *
 *   prod: {
 *     account: '111122223333',
 *     regions: ['eu-west-1', 'us-east-1'],
 *     tags: { team: 'vision' },
 *     page: ['ops@example.com'],
 *     functions: { ...functions, ocr: { memorySize: 3008, reservedConcurrency: 50 }, iris: { quality: true } },
 *   },
 */
export const stages: Stages = { dev: { functions }, staging: { functions }, prod: { functions } };
