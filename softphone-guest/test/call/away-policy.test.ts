import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { awayStep, type AwayFacts } from '../../src/call/away-policy.ts';
import { handOver } from '../../src/call/hand-over.ts';
import { newCall } from '../../src/call/model.ts';

const facts = (
  change: Partial<Omit<AwayFacts, 'rule'>> & { rule?: Partial<AwayFacts['rule']> } = {},
): AwayFacts => ({
  awayMs: 0,
  leaseMs: 300_000,
  acted: false,
  fallenBack: false,
  ...change,
  rule: { policy: 'hold', after: 10, limit: 60, ...change.rule },
});

describe('what is due while no thin client is there', () => {
  it.each([
    ['nothing at first', facts(), 'wait'],
    ['what the policy says after its time', facts({ awayMs: 10_000 }), 'act'],
    ['nothing more once that is done', facts({ awayMs: 59_000, acted: true }), 'wait'],
    ['the end at the limit', facts({ awayMs: 60_000, acted: true }), 'end'],
    ['nothing for keep', facts({ awayMs: 30_000, rule: { policy: 'keep' } }), 'wait'],
    ['the end before the lease', facts({ awayMs: 27_000, leaseMs: 30_000 }), 'end'],
    [
      'no end by the lease for a held call',
      facts({ awayMs: 50_000, leaseMs: 30_000, acted: true }),
      'wait',
    ],
    [
      'no end without limit and lease',
      facts({ awayMs: 1e9, leaseMs: Infinity, acted: true, rule: { limit: 0 } }),
      'wait',
    ],
    [
      'nothing for a call that is heard in the guest',
      facts({ awayMs: 1e9, fallenBack: true }),
      'wait',
    ],
    ['at once, where the policy says so', facts({ rule: { after: 0 } }), 'act'],
    ['the end at once under a lease that is none', facts({ leaseMs: 0 }), 'end'],
  ])('is %s', (_what, given, step) => {
    expect(awayStep(given)).toBe(step);
  });
});

describe('a command that hands a call over', () => {
  const call = newCall({
    id: 'abc',
    sipCallId: 'abc@test',
    account: 'sip:alice@example.com',
    direction: 'outgoing',
    remote: { uri: 'sip:bob@example.com' },
    at: 0,
  });

  it('learns which call it is', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'offhook-handover-'));
    const file = join(dir, 'out');
    try {
      await handOver(
        `echo "$OFFHOOK_CALL $OFFHOOK_SIP_CALL_ID $OFFHOOK_ACCOUNT $OFFHOOK_REMOTE" > ${file}`,
        call,
      );
      expect(readFileSync(file, 'utf8')).toBe(
        'abc abc@test sip:alice@example.com sip:bob@example.com\n',
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('fails with its own words', async () => {
    await expect(handOver('echo "no such phone" >&2; exit 3', call)).rejects.toMatchObject({
      code: 'handover-failed',
      message: expect.stringContaining('no such phone'),
    });
  });
});
