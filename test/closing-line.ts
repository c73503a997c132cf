// Prints `N passed, N failed` as the very last line of `npm test`, and each skipped test's reason before it.
import type { Reporter, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state));
    const broken = modules.filter((module) => module.errors().length > 0).length + errors.length;
    const count = (state: string) => states.filter((s) => s === state).length;
    const line = `${count('passed')} passed, ${count('failed') + broken} failed`;
    const skipped = count('skipped');
    // After the default reporter's summary, which is written on the same event.
    process.once('exit', () => process.stdout.write(`${line}${skipped > 0 ? `, ${skipped} skipped` : ''}\n`));
  }
}
