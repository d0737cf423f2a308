import { describe, expect, it } from 'vitest';
import { verdicts } from '../src/rows/desktop.ts';

describe('the verdicts of the suite with the virtual machine', () => {
  it('are read with what was measured', () => {
    const output = [
      'e2e: the guest is up after 9.1 s',
      '       control was back 61 ms after the link',
      'ok     the SPICE connection is cut in the middle of a call, and comes back (8.1 s)',
      'FAILED the guest is paused in the middle of a call (20.0 s)',
      'Error: nothing',
    ].join('\n');
    expect([...verdicts(output)]).toEqual([
      [
        'the SPICE connection is cut in the middle of a call, and comes back',
        { passed: true, notes: ['control was back 61 ms after the link'] },
      ],
      ['the guest is paused in the middle of a call', { passed: false, notes: [] }],
    ]);
  });
});
