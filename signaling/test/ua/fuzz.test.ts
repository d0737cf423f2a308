import { assert, asyncProperty, constantFrom, integer, nat, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bench, OUR, sdp, virtualTime } from './support/bench.ts';
import { incomingCall } from './support/established.ts';
import { elapse, eventually, settled } from './support/raw-peer.ts';

virtualTime();

const REQUEST = [
  'INVITE sip:alice@192.0.2.1 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.2:5060;branch=BRANCH;rport',
  'From: "Peer" <sip:peer@192.0.2.2>;tag=peer',
  'To: <sip:alice@example.com>',
  'Call-ID: BRANCH@peer',
  'CSeq: 1 INVITE',
  'Contact: <sip:peer@192.0.2.2;x=y>',
  'Max-Forwards: 70',
  'Record-Route: <sip:192.0.2.2;lr>',
  'Supported: timer, 100rel',
  'Require: 100rel',
  'Session-Expires: 1800;refresher=uac',
  'Replaces: x;to-tag=1;from-tag=2',
  'Content-Type: application/sdp',
];

describe('a message that has been damaged on its way', () => {
  it('never stops the user agent: the next good call is answered', async () => {
    const { peer, account, incoming } = await bench({ account: { rel100: 'supported' } });
    account.on('incoming', (call) => void call.answer().catch(() => undefined));
    let number = 0;
    const damage = asyncProperty(
      nat(REQUEST.length - 1),
      nat(60),
      integer({ min: 0, max: 20 }),
      string({ maxLength: 12 }),
      constantFrom(
        'INVITE',
        'ACK',
        'BYE',
        'CANCEL',
        'UPDATE',
        'PRACK',
        'MESSAGE',
        'OPTIONS',
        'INFO',
      ),
      async (line, at, cut, junk, method) => {
        number += 1;
        const lines = REQUEST.map((text) =>
          text.replaceAll('BRANCH', `z9hG4bKfuzz${number}`).replaceAll('INVITE', method),
        );
        const text = lines[line] ?? '';
        lines[line] = text.slice(0, at) + junk + text.slice(at + cut);
        peer.send(OUR, lines, sdp('peer'));
        await elapse(2);
      },
    );
    await assert(damage, { numRuns: 1500 });
    peer.inbox.length = 0;
    const before = incoming.length;
    peer.request(OUR, 'INVITE', { callId: 'good', body: sdp('peer') });
    await eventually('the call', () => incoming.length > before);
    await peer.expect('SIP/2.0 200');
    expect(incoming.at(-1)?.callId).toBe('good');
  }, 60_000);

  it('does not disturb a call in progress', async () => {
    const { call, peer, ask } = await incomingCall();
    const damage = asyncProperty(
      constantFrom('UPDATE', 'PRACK', 'INFO', 'MESSAGE', 'NOTIFY', 'REFER'),
      constantFrom('Session-Expires', 'Require', 'Contact', 'RAck', 'Content-Type', 'Allow'),
      string({ maxLength: 30 }),
      async (method, header, junk) => {
        ask(method, { headers: [`${header}: ${junk}`] });
        await elapse(2);
      },
    );
    await assert(damage, { numRuns: 500 });
    await elapse(33_000);
    expect([call.state, call.end]).toEqual(['established', undefined]);
    peer.inbox.length = 0;
    const over = call.hangup();
    peer.reply(await peer.expect('BYE'), '200 OK');
    await settled('the end', over);
  }, 60_000);
});
