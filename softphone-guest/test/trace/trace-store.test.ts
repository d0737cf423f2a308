import { describe, expect, it } from 'vitest';
import type { TraceEntry } from '@offhook/signaling';
import { TraceStore } from '../../src/trace/trace-store.ts';

function entry(callId: string, at = 0, filler = ''): TraceEntry {
  return {
    at,
    direction: 'in',
    transport: 'udp',
    local: '192.0.2.1:5060',
    remote: '192.0.2.2:5060',
    message: `OPTIONS sip:a@b SIP/2.0\r\nCall-ID: ${callId}\r\nSubject: ${filler}\r\n\r\n`,
  };
}

describe('TraceStore', () => {
  it('keeps the messages of each Call-ID in order', () => {
    const store = new TraceStore();
    for (const [id, at] of [
      ['one', 1],
      ['two', 2],
      ['one', 3],
    ] as const)
      store.add(entry(id, at));
    expect(store.get('one').entries.map(({ at }) => at)).toEqual([1, 3]);
    expect(store.all().entries.map(({ at }) => at)).toEqual([1, 2, 3]);
    expect(store.get('three')).toEqual({ entries: [], dropped: 0 });
  });

  it('knows the compact form of Call-ID, and ignores a name like it in the body', () => {
    const store = new TraceStore();
    store.add({ ...entry('x'), message: 'BYE sip:a@b SIP/2.0\r\ni: short@b\r\n\r\ni: body' });
    store.add({ ...entry('x'), message: 'junk\r\n\r\nCall-ID: body' });
    expect(store.get('short@b').entries).toHaveLength(1);
    expect(store.all().entries).toHaveLength(1);
  });

  it('forgets the oldest messages of a dialog that has too many, and says how many', () => {
    const store = new TraceStore();
    for (let at = 0; at < 500; at++) store.add(entry('busy', at));
    const { entries, dropped } = store.get('busy');
    expect([entries.length, dropped, entries[0]?.at]).toEqual([400, 100, 100]);
  });

  it('forgets the dialogs that were not heard of for longest', () => {
    const store = new TraceStore();
    for (let number = 0; number < 300; number++) store.add(entry(`call-${number}`));
    store.add(entry('call-0'));
    store.add(entry('new'));
    expect(store.get('call-0').entries).toHaveLength(2);
    expect(store.get('call-1').entries).toHaveLength(0);
  });

  it('is bounded in memory also when one dialog sends much', () => {
    const store = new TraceStore();
    const filler = 'x'.repeat(60_000);
    for (let at = 0; at < 300; at++) store.add(entry('flood', at, filler));
    const characters = store
      .get('flood')
      .entries.reduce((sum, { message }) => sum + message.length, 0);
    expect(characters).toBeLessThanOrEqual(8 * 1024 * 1024);
  });

  it('tells watchers of each message until they are done', () => {
    const store = new TraceStore();
    const seen: string[] = [];
    const stop = store.watch((callId) => seen.push(callId));
    store.add(entry('one'));
    stop();
    store.add(entry('two'));
    expect(seen).toEqual(['one']);
  });
});
