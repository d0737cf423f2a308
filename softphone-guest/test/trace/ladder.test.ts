import { describe, expect, it } from 'vitest';
import { ladder, summary, type TracedMessage } from '../../src/trace/ladder.ts';

const invite = [
  'INVITE sip:bob@example.com SIP/2.0',
  'CSeq: 7 INVITE',
  'Content-Type: application/sdp',
  '',
  'v=0\r\na=sendonly\r\n',
].join('\r\n');

function traced(message: string, at: number, direction: 'in' | 'out'): TracedMessage {
  const ends = { local: '192.0.2.1:5060', remote: '198.51.100.9:5060', transport: 'udp' };
  return { ...ends, message, at, direction };
}

describe('ladder', () => {
  it('draws each message as an arrow with the seconds since the first', () => {
    const ringing = 'SIP/2.0 180 Ringing\r\nCSeq: 7 INVITE\r\n\r\n';
    const lines = ladder([traced(invite, 1000, 'out'), traced(ringing, 1250, 'in')]).split('\n');
    expect(lines[0]).toMatch(
      /^ {3}\+0\.000 {2}192\.0\.2\.1:5060 \| INVITE \(7\) SDP sendonly -+>\|/,
    );
    expect(lines[1]).toMatch(/^ {3}\+0\.250 .*\|<-+ 180 Ringing \(7 INVITE\) \| 198\.51\.100\.9/);
  });

  it('keeps the columns straight however long a reason is', () => {
    const long = `SIP/2.0 486 ${'Busy '.repeat(40)}\r\nCSeq: 7 INVITE\r\n\r\n`;
    const widths = ladder([traced(invite, 0, 'out'), traced(long, 1, 'in')])
      .trimEnd()
      .split('\n')
      .map((line) => line.lastIndexOf('|'));
    expect(new Set(widths).size).toBe(1);
  });

  it('is empty when there is nothing', () => {
    expect(ladder([])).toBe('');
  });

  it('lets no control character of a peer through', () => {
    expect(summary('SIP/2.0 200 \u001b[2JOK\r\nCSeq: 1 BYE\r\n\r\n')).not.toContain('\u001b');
  });

  it('shows why a call ended (RFC 3326)', () => {
    const bye = 'BYE sip:a@b SIP/2.0\r\nCSeq: 2 BYE\r\nReason: Q.850;cause=16\r\n\r\n';
    expect(summary(bye)).toBe('BYE (2) Q.850;cause=16');
  });
});
