import { describe, expect, it } from 'vitest';
import { Turnstile } from '../src/turnstile.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the turnstile', () => {
  it('lets responses and events through at once, in order', () => {
    const turnstile = new Turnstile();
    const log: string[] = [];
    turnstile.event(() => log.push('e1'));
    turnstile.response(() => log.push('r1'));
    turnstile.response(() => log.push('r2'));
    expect(log).toEqual(['e1', 'r1', 'r2']);
  });

  it('holds an event behind a response until the next turn, and what comes after it', async () => {
    const turnstile = new Turnstile();
    const log: string[] = [];
    turnstile.response(() => log.push('r1'));
    turnstile.event(() => log.push('e1'));
    turnstile.response(() => log.push('r2'));
    turnstile.event(() => log.push('e2'));
    expect(log).toEqual(['r1']);
    await turn();
    expect(log).toEqual(['r1', 'e1', 'r2']);
    await turn();
    expect(log).toEqual(['r1', 'e1', 'r2', 'e2']);
    turnstile.event(() => log.push('e3'));
    expect(log.at(-1)).toBe('e3');
  });

  it('delivers what waits when it is stopped, and nothing later', async () => {
    const turnstile = new Turnstile();
    const log: string[] = [];
    turnstile.response(() => log.push('r1'));
    turnstile.event(() => log.push('e1'));
    turnstile.stop();
    turnstile.event(() => log.push('e2'));
    await turn();
    expect(log).toEqual(['r1', 'e1']);
  });
});
