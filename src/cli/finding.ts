// What one look at this machine came to.

export interface Finding {
  /** missing: something will fail without it. advice: only some people need it. */
  readonly status: 'ok' | 'advice' | 'missing';
  readonly found: string;
  readonly remedy?: string;
}
