import { describe, expect, it } from 'vitest';
import { listenChecks } from '../../src/doctor/listen.ts';

describe('the ports of a phone that does not run', () => {
  it('are free, or another program has them, each in its own transport', () => {
    const checks = listenChecks(
      [
        { transport: 'udp', address: '0.0.0.0', port: 5060 },
        { transport: 'tcp', address: '0.0.0.0', port: 5060 },
        { transport: 'tls', address: '::', port: 5061 },
      ],
      (transport, port) => transport === 'tcp' && port === 5060,
    );
    expect(checks).toMatchObject([
      { layer: 'sip', level: 'ok', message: 'udp:0.0.0.0:5060 is free' },
      {
        level: 'fail',
        message: 'another program has the port of tcp:0.0.0.0:5060',
        remedy: expect.stringContaining('ss -lpt sport = :5060') as string,
      },
      { level: 'ok', message: 'tls:[::]:5061 is free' },
    ]);
  });

  it('may be taken at another address than ours', () => {
    const ours = [{ transport: 'udp', address: '192.0.2.7', port: 5060 }] as const;
    expect(listenChecks(ours, () => true)).toMatchObject([{ level: 'warn' }]);
  });

  it('are not asked for where any will do', () => {
    const any = [{ transport: 'udp', address: '127.0.0.1', port: 0 }] as const;
    expect(listenChecks(any, () => true)).toMatchObject([{ level: 'ok' }]);
  });
});
