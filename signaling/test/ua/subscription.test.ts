import { describe, expect, it } from 'vitest';
import type { Subscription, SubscriptionState } from '../../src/index.ts';
import { bench, OUR, virtualTime, type Bench } from './support/bench.ts';
import { elapse, settled, type Got } from './support/raw-peer.ts';

virtualTime();

interface Watched extends Bench {
  readonly subscription: Subscription;
  readonly states: SubscriptionState[];
  readonly bodies: (string | undefined)[];
  /** Answers a SUBSCRIBE: 200 with that Expires. */
  accept(subscribe: Got, expires?: number): void;
  /** A NOTIFY in the dialog of that SUBSCRIBE; CSeq counts up. */
  notify(subscribe: Got, state: string, options?: Notify): void;
}

interface Notify {
  readonly body?: string;
  readonly tag?: string;
  readonly event?: string;
}

async function watching(expires?: number): Promise<Watched> {
  const set = await bench();
  const { account, peer } = set;
  const subscription = account.subscribe(peer.uri, {
    event: 'dialog',
    accept: ['application/dialog-info+xml'],
    ...(expires !== undefined && { expires }),
  });
  const states: SubscriptionState[] = [];
  const bodies: (string | undefined)[] = [];
  subscription.on('state', (state) => states.push(state));
  subscription.on('notify', ({ body }) => bodies.push(body?.content));
  let cseq = 0;
  return {
    ...set,
    subscription,
    states,
    bodies,
    accept: (subscribe, seconds = 600) =>
      peer.reply(subscribe, '200 OK', {
        headers: [`Expires: ${seconds}`, `Contact: <${peer.uri}>`],
      }),
    notify: (subscribe, state, options = {}) => {
      cseq += 1;
      peer.request(OUR, 'NOTIFY', {
        callId: subscribe.header('Call-ID'),
        from: `<${peer.uri}>;tag=${options.tag ?? 'peer'}`,
        to: subscribe.header('From'),
        uri: subscribe.contact,
        cseq,
        headers: [
          `Event: ${options.event ?? 'dialog'}`,
          ...(state === '' ? [] : [`Subscription-State: ${state}`]),
        ],
        ...(options.body !== undefined && {
          body: options.body,
          type: 'application/dialog-info+xml',
        }),
      });
    },
  };
}

const names = ({ states }: Watched): string[] => states.map((one) => one.state);

describe('SUBSCRIBE of ours (RFC 6665 §4.1)', () => {
  it('asks for a package, and tells what is notified', async () => {
    const set = await watching();
    const { peer } = set;
    const subscribe = await peer.expect('SUBSCRIBE');
    expect(subscribe.header('Event')).toBe('dialog');
    expect(subscribe.header('Accept')).toBe('application/dialog-info+xml');
    expect(subscribe.header('Expires')).toBe('600');
    expect(subscribe.contact).not.toBe('');
    set.accept(subscribe);
    set.notify(subscribe, 'active;expires=600', { body: '<one/>' });
    await peer.expect('SIP/2.0 200');
    set.notify(subscribe, 'active;expires=590');
    await peer.expect('SIP/2.0 200');
    expect(names(set)).toEqual(['subscribing', 'pending', 'active', 'active']);
    expect(set.bodies).toEqual(['<one/>', undefined]);
  });

  it('takes a NOTIFY that is faster than the answer; another fork is refused', async () => {
    const set = await watching();
    const subscribe = await set.peer.expect('SUBSCRIBE');
    set.notify(subscribe, 'active;expires=600', { body: '<one/>', tag: 'first' });
    await set.peer.expect('SIP/2.0 200');
    set.peer.reply(subscribe, '200 OK', { tag: 'first', headers: ['Expires: 600'] });
    await elapse(5);
    expect(set.subscription.state.state).toBe('active');
    set.notify(subscribe, 'active', { tag: 'second' });
    await set.peer.expect('SIP/2.0 481');
  });

  it('refreshes in the dialog before the time is over', async () => {
    const set = await watching();
    const subscribe = await set.peer.expect('SUBSCRIBE');
    set.accept(subscribe, 100);
    set.notify(subscribe, 'active;expires=100');
    await set.peer.expect('SIP/2.0 200');
    await elapse(49_000);
    expect(set.peer.count('SUBSCRIBE')).toBe(0);
    const refresh = await set.peer.expect('SUBSCRIBE', 26_000);
    expect(refresh.tag('To')).toBe('peer');
    expect(refresh.cseq).toBe(subscribe.cseq + 1);
    set.accept(refresh, 100);
    await elapse(5);
    expect(set.subscription.state.state).toBe('active');
    set.subscription.refresh();
    await set.peer.expect('SUBSCRIBE');
  });

  it('asks for longer when the time is too brief (423)', async () => {
    const set = await watching(60);
    set.peer.reply(await set.peer.expect('SUBSCRIBE'), '423 Interval Too Brief', {
      headers: ['Min-Expires: 300'],
    });
    expect((await set.peer.expect('SUBSCRIBE')).header('Expires')).toBe('300');
  });

  it.each([
    ['489 Bad Event', 489],
    ['403 Forbidden', 403],
    ['404 Not Found', 404],
  ])('gives up when the answer is %s', async (line, status) => {
    const set = await watching();
    set.peer.reply(await set.peer.expect('SUBSCRIBE'), line);
    await elapse(5);
    expect(set.subscription.state).toMatchObject({ state: 'ended', status });
    await elapse(3_600_000);
    expect(set.peer.count('SUBSCRIBE')).toBe(0);
  });

  it('tries again later, more and more patiently, when the server cannot; and soon when asked', async () => {
    const set = await watching();
    for (const least of [4000, 8000, 16_000]) {
      set.peer.reply(await set.peer.expect('SUBSCRIBE'), '480 Temporarily Unavailable');
      await elapse(least - 10);
      expect(set.subscription.state).toMatchObject({ state: 'waiting', status: 480 });
      expect(set.peer.count('SUBSCRIBE')).toBe(0);
      await elapse(least);
    }
    set.peer.reply(await set.peer.expect('SUBSCRIBE'), '503 Service Unavailable', {
      headers: ['Retry-After: 900'],
    });
    await elapse(890_000);
    expect(set.peer.count('SUBSCRIBE')).toBe(0);
    set.subscription.refresh();
    await set.peer.expect('SUBSCRIBE');
  });

  it.each([
    ['is lost', '481 Subscription Does Not Exist'],
    ['fails', '500 Server Internal Error'],
  ])('subscribes anew when the refresh %s, in another dialog', async (_what, line) => {
    const set = await watching();
    const subscribe = await set.peer.expect('SUBSCRIBE');
    set.accept(subscribe, 100);
    set.notify(subscribe, 'active;expires=100');
    set.subscription.refresh();
    await set.peer.expect('SIP/2.0 200');
    set.subscription.refresh();
    set.peer.reply(await set.peer.expect('SUBSCRIBE'), line);
    const anew = await set.peer.expect('SUBSCRIBE');
    expect(anew.tag('To')).toBe('');
    expect(anew.header('Call-ID')).not.toBe(subscribe.header('Call-ID'));
  });

  it('does the same when nothing answers the refresh', async () => {
    const set = await watching();
    const subscribe = await set.peer.expect('SUBSCRIBE');
    set.accept(subscribe, 100);
    set.notify(subscribe, 'active;expires=100');
    await set.peer.expect('SIP/2.0 200');
    await set.peer.expect('SUBSCRIBE', 80_000);
    const anew = await set.peer.expect(/^SUBSCRIBE/, 40_000);
    expect(anew.tag('To')).toBe('');
  });

  it('counts as failed when nothing is notified in time (Timer N)', async () => {
    const set = await watching();
    set.accept(await set.peer.expect('SUBSCRIBE'));
    await elapse(32_010);
    expect(set.subscription.state).toMatchObject({ state: 'waiting', status: 408 });
  });

  it.each(['deactivated', 'timeout', 'else'])(
    'subscribes anew at once when it is ended: %s; but does not run in circles',
    async (reason) => {
      const set = await watching();
      const first = await set.peer.expect('SUBSCRIBE');
      set.accept(first);
      set.notify(first, 'active;expires=600');
      set.notify(first, `terminated;reason=${reason}`);
      const second = await set.peer.expect('SUBSCRIBE');
      expect(second.tag('To')).toBe('');
      set.accept(second);
      set.notify(second, `terminated;reason=${reason}`);
      await elapse(3000);
      expect(set.subscription.state).toMatchObject({ state: 'waiting' });
      await set.peer.expect('SUBSCRIBE', 16_000);
    },
  );

  it.each([
    ['probation;retry-after=60', 60_000],
    ['giveup', 2000],
  ])('waits when it is ended: %s', async (reason, least) => {
    const set = await watching();
    const first = await set.peer.expect('SUBSCRIBE');
    set.accept(first);
    set.notify(first, `terminated;reason=${reason}`);
    await elapse(least - 10);
    expect(set.peer.count('SUBSCRIBE')).toBe(0);
    await set.peer.expect('SUBSCRIBE', 8000);
  });

  it.each(['rejected', 'noresource', 'invariant'])(
    'is over when it is ended: %s',
    async (reason) => {
      const set = await watching();
      const first = await set.peer.expect('SUBSCRIBE');
      set.accept(first);
      set.notify(first, `terminated;reason=${reason}`, { body: '<last/>' });
      await set.peer.expect('SIP/2.0 200');
      expect(set.bodies).toEqual(['<last/>']);
      expect(set.subscription.state).toMatchObject({ state: 'ended' });
      set.notify(first, 'active');
      await set.peer.expect('SIP/2.0 481');
    },
  );

  it('refuses a NOTIFY of another package, without a state, or out of order', async () => {
    const set = await watching();
    const subscribe = await set.peer.expect('SUBSCRIBE');
    set.accept(subscribe);
    set.notify(subscribe, 'active', { event: 'presence' });
    await set.peer.expect('SIP/2.0 489');
    set.notify(subscribe, '');
    await set.peer.expect('SIP/2.0 400');
    set.peer.request(OUR, 'NOTIFY', {
      callId: subscribe.header('Call-ID'),
      from: `<${set.peer.uri}>;tag=peer`,
      to: subscribe.header('From'),
      cseq: 1,
      headers: ['Event: dialog', 'Subscription-State: active'],
    });
    await set.peer.expect('SIP/2.0 500');
    expect(set.bodies).toEqual([]);
  });

  it('is taken back, and over when the notifier has said good-bye', async () => {
    const set = await watching();
    const subscribe = await set.peer.expect('SUBSCRIBE');
    set.accept(subscribe);
    set.notify(subscribe, 'active;expires=600');
    await set.peer.expect('SIP/2.0 200');
    const closed = set.subscription.close();
    const last = await set.peer.expect('SUBSCRIBE');
    expect(last.header('Expires')).toBe('0');
    set.accept(last, 0);
    set.notify(subscribe, 'terminated;reason=timeout');
    await settled('the end', closed);
    expect(set.subscription.state).toEqual({ state: 'ended', status: 200, reason: 'unsubscribed' });
    await settled('again', set.subscription.close());
  });

  it('does not wait long for a good-bye', async () => {
    const set = await watching();
    const subscribe = await set.peer.expect('SUBSCRIBE');
    set.accept(subscribe);
    await elapse(5);
    await settled('the end', set.subscription.close(), 2100);
  });

  it('is taken back when the phone closes', async () => {
    const set = await watching();
    const subscribe = await set.peer.expect('SUBSCRIBE');
    set.accept(subscribe);
    await elapse(5);
    const closed = set.ua.close();
    expect((await set.peer.expect('SUBSCRIBE')).header('Expires')).toBe('0');
    await settled('the end', closed);
  });
});
