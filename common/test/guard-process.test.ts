import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const source = join(import.meta.dirname, '../src/index.ts');

/** Runs a line of code in a process that is guarded, and tells how that ends. */
async function guarded(code: string): Promise<{ exit: unknown; log: string }> {
  const script = `
    import { createLogger, Emitter, guardProcess } from ${JSON.stringify(source)};
    guardProcess(createLogger({ name: 'test' }), 7);
    setTimeout(() => process.exit(0), 100);
    ${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const [exit] = await once(child, 'close');
  return { exit, log };
}

describe('a guarded process', () => {
  it('outlives a listener that throws, and says so', async () => {
    const { exit, log } = await guarded(
      "const e = new Emitter(); e.on('a', () => { throw new Error('choked'); }); e.emit('a');",
    );
    expect(exit).toBe(0);
    expect(log).toContain('choked');
  });

  it('outlives a rejection that nobody handled', async () => {
    const { exit, log } = await guarded("void Promise.reject(new Error('forgotten'));");
    expect(exit).toBe(0);
    expect(log).toContain('forgotten');
  });

  it('ends with its exit code on any other error', async () => {
    const { exit, log } = await guarded("setImmediate(() => { throw new Error('broken'); });");
    expect(exit).toBe(7);
    expect(log).toContain('broken');
  });
});
