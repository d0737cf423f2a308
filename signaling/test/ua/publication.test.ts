import { describe, expect, it } from 'vitest';
import type { Publication } from '../../src/index.ts';
import { bench, virtualTime, type Bench } from './support/bench.ts';
import { elapse, settled, type Got } from './support/raw-peer.ts';

virtualTime();

const body = (content: string) => ({ type: 'application/pidf+xml', content });

async function publishing(): Promise<
  Bench & {
    publication: Publication;
    accept: (publish: Got, etag: string, seconds?: number) => void;
  }
> {
  const set = await bench({ account: { outboundProxy: 'sip:192.0.2.2;lr' } });
  const { account, peer } = set;
  const publication = account.publish('presence', body('<open/>'), { expires: 100 });
  return {
    ...set,
    publication,
    accept: (publish, etag, seconds = 100) =>
      peer.reply(publish, '200 OK', { headers: [`SIP-ETag: ${etag}`, `Expires: ${seconds}`] }),
  };
}

describe('PUBLISH of ours (RFC 3903)', () => {
  it('publishes for our own address, refreshes without a body, and changes', async () => {
    const set = await publishing();
    const { peer, publication } = set;
    const first = await peer.expect('PUBLISH');
    expect(first.start).toBe('PUBLISH sip:alice@example.com SIP/2.0');
    expect(first.header('Event')).toBe('presence');
    expect(first.header('Expires')).toBe('100');
    expect(first.header('SIP-If-Match')).toBe('');
    expect(first.body).toBe('<open/>');
    set.accept(first, 'one');
    await elapse(5);
    expect(publication.state).toMatchObject({ state: 'published' });

    const refresh = await peer.expect('PUBLISH', 76_000);
    expect(refresh.header('SIP-If-Match')).toBe('one');
    expect(refresh.body).toBe('');
    set.accept(refresh, 'two');
    await elapse(5);

    publication.update(body('<closed/>'));
    const change = await peer.expect('PUBLISH');
    expect(change.header('SIP-If-Match')).toBe('two');
    expect(change.body).toBe('<closed/>');
  });

  it('sends one at a time; what was not sent is overtaken', async () => {
    const set = await publishing();
    const first = await set.peer.expect('PUBLISH');
    set.publication.update(body('<two/>'));
    set.publication.update(body('<three/>'));
    await elapse(5);
    expect(set.peer.count('PUBLISH')).toBe(0);
    set.accept(first, 'one');
    expect((await set.peer.expect('PUBLISH')).body).toBe('<three/>');
  });

  it('publishes anew what the server has forgotten (412)', async () => {
    const set = await publishing();
    set.accept(await set.peer.expect('PUBLISH'), 'one');
    set.peer.reply(await set.peer.expect('PUBLISH', 76_000), '412 Conditional Request Failed');
    const anew = await set.peer.expect('PUBLISH');
    expect(anew.header('SIP-If-Match')).toBe('');
    expect(anew.body).toBe('<open/>');
  });

  it('asks for longer when the time is too brief (423)', async () => {
    const set = await publishing();
    set.peer.reply(await set.peer.expect('PUBLISH'), '423 Interval Too Brief', {
      headers: ['Min-Expires: 3600'],
    });
    const longer = await set.peer.expect('PUBLISH');
    expect(longer.header('Expires')).toBe('3600');
    expect(longer.body).toBe('<open/>');
  });

  it('waits and tries again when the server cannot; gives up when it does not', async () => {
    const set = await publishing();
    set.peer.reply(await set.peer.expect('PUBLISH'), '500 Server Internal Error');
    await elapse(5);
    expect(set.publication.state).toMatchObject({ state: 'waiting', status: 500 });
    const again = await set.peer.expect('PUBLISH', 8000);
    expect(again.body).toBe('<open/>');
    set.peer.reply(again, '489 Bad Event');
    await elapse(5);
    expect(set.publication.state).toMatchObject({ state: 'ended', status: 489 });
    await settled('the end', set.publication.close());
  });

  it('is taken back', async () => {
    const set = await publishing();
    set.accept(await set.peer.expect('PUBLISH'), 'one');
    await elapse(5);
    const closed = set.publication.close();
    const last = await set.peer.expect('PUBLISH');
    expect(last.header('Expires')).toBe('0');
    expect(last.header('SIP-If-Match')).toBe('one');
    expect(last.body).toBe('');
    set.accept(last, 'gone', 0);
    await settled('the end', closed);
    expect(set.publication.state).toMatchObject({ state: 'ended', status: 200 });
  });
});
