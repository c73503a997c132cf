// The stages of this app: yours to change. infra/config.ts checks every word of it when the app is synthesised.
import type { Stages } from './config.ts';

/**
 * Account and region come from the credentials of whoever deploys, until they are written here:
 *
 *   prod: {
 *     account: '111122223333',
 *     regions: ['eu-west-1', 'us-east-1'],
 *     tags: { team: 'vision' },
 *     functions: { ocr: { memorySize: 3008, reservedConcurrency: 50 } },
 *   },
 */
export const stages: Stages = { dev: {}, staging: {}, prod: {} };
