import { describe, expect, it } from 'vitest';
import { noMedia } from '../../src/index.ts';
import { bench, history, OUR, virtualTime } from './support/bench.ts';
import { incomingCall, outgoingCall } from './support/established.ts';
import { eventually, settled } from './support/raw-peer.ts';

virtualTime();

const CSTA = 'application/csta+xml';

describe('requests by hand outside of dialogs', () => {
  it('sends a method with headers and a body, and gives the answer whatever its status', async () => {
    const { account, peer } = await bench();
    const first = account.request('MESSAGE', peer.uri, {
      body: { type: 'text/plain', content: 'lunch?' },
      headers: ['Subject: food'],
    });
    const message = await peer.expect('MESSAGE');
    expect(message.start).toBe(`MESSAGE ${peer.uri} SIP/2.0`);
    expect(message.header('Subject')).toBe('food');
    expect(message.header('Contact')).toBe('');
    expect(message.body).toBe('lunch?');
    peer.reply(message, '202 Accepted', { headers: ['X-Id: 7'] });
    const answer = await settled('the answer', first);
    expect([answer.status, answer.headers('x-id')]).toEqual([202, ['7']]);

    const second = account.request('PUBLISH', peer.uri);
    peer.reply(await peer.expect('PUBLISH'), '489 Bad Event');
    expect(await settled('the answer', second)).toMatchObject({
      status: 489,
      reason: 'event not supported',
    });
  });

  it('rejects when nothing answers', async () => {
    const { account, peer } = await bench();
    const request = account.request('MESSAGE', peer.uri);
    await expect(settled('the end', request, 40_000)).rejects.toMatchObject({
      code: 'no-answer',
      details: { status: 408 },
    });
  });

  it('gives up waiting when it is told to', async () => {
    const { account, peer } = await bench();
    const abort = new AbortController();
    const request = account.request('MESSAGE', peer.uri, { signal: abort.signal });
    await peer.expect('MESSAGE');
    abort.abort(new Error('enough'));
    await expect(settled('the end', request)).rejects.toThrow('enough');
  });

  it('does not send what makes or ends calls', async () => {
    const { account, peer } = await bench();
    for (const method of ['INVITE', 'bye', 'REGISTER', 'A B']) {
      expect(() => account.request(method, peer.uri)).toThrow('not sent by hand');
    }
  });

  it('has a method served by its handler, with the answer’s headers and body', async () => {
    const { account, peer } = await bench();
    const off = account.onRequest('SUBSCRIBE', (request) => ({
      status: 200,
      headers: [`X-Event: ${request.headers('event').join(',')}`, `X-From: ${request.from.uri}`],
      body: { type: 'text/plain', content: `${request.body?.content} back` },
    }));
    peer.request(OUR, 'SUBSCRIBE', {
      headers: ['Event: foo'],
      body: 'there and',
      type: 'text/plain',
    });
    const answer = await peer.expect('SIP/2.0 200');
    expect(answer.header('X-Event')).toBe('foo');
    expect(answer.header('X-From')).toBe(peer.uri);
    expect(answer.body).toBe('there and back');
    off();
    peer.request(OUR, 'SUBSCRIBE');
    await peer.expect('SIP/2.0 489');
  });

  it('serves as before what the handler leaves; a handler that fails is a 500', async () => {
    const { account, peer } = await bench();
    account.onRequest('SUBSCRIBE', () => undefined);
    peer.request(OUR, 'SUBSCRIBE');
    await peer.expect('SIP/2.0 489');
    account.onRequest('SUBSCRIBE', () => Promise.reject(new Error('no')));
    peer.request(OUR, 'SUBSCRIBE');
    await peer.expect('SIP/2.0 500');
  });
});

describe('requests by hand in a call', () => {
  it('go in the dialog, with its next CSeq', async () => {
    const { call, peer, cseq } = await outgoingCall();
    const asked = call.request('INFO', { body: { type: CSTA, content: '<ping/>' } });
    const info = await peer.expect('INFO');
    expect(info.cseq).toBe(cseq + 1);
    expect(info.tag('To')).toBe('peer');
    peer.reply(info, '200 OK', { headers: ['X-Done: yes'] });
    expect((await settled('the answer', asked)).headers('X-Done')).toEqual(['yes']);
    expect(() => call.request('BYE')).toThrow('not sent by hand');
  });

  it('have handlers before what would serve them otherwise', async () => {
    const { call, peer, ask } = await incomingCall();
    const seen: (string | undefined)[] = [];
    call.onRequest('INFO', ({ body }) => {
      seen.push(body?.content);
      return body?.type === CSTA
        ? { status: 200, body: { type: CSTA, content: '<answer/>' } }
        : undefined;
    });
    ask('INFO', { body: '<ask/>', type: CSTA });
    expect((await peer.expect('SIP/2.0 200')).body).toBe('<answer/>');
    const digits: string[] = [];
    call.on('info', (body) => digits.push(body.content));
    ask('INFO', { body: 'Signal=1', type: 'application/dtmf-relay' });
    expect((await peer.expect('SIP/2.0 200')).body).toBe('');
    expect(digits).toEqual(['Signal=1']);
    expect(seen).toEqual(['<ask/>', 'Signal=1']);
  });

  it('are not possible once it has ended', async () => {
    const { call, ask, peer } = await incomingCall();
    ask('BYE');
    await peer.expect('SIP/2.0 200');
    expect(() => call.request('INFO')).toThrow('not established');
  });
});

describe('a session without media (ECMA TR/87)', () => {
  it('is opened by us with a body, and the answer’s is told', async () => {
    const { account, peer } = await bench();
    const call = account.invite(peer.uri, noMedia, {
      body: { type: CSTA, content: '<RequestSystemStatus/>' },
    });
    const seen = history(call);
    const invite = await peer.expect('INVITE');
    expect(invite.header('Content-Type')).toBe(CSTA);
    expect(invite.body).toBe('<RequestSystemStatus/>');
    peer.reply(invite, '200 OK', { type: CSTA, body: '<SystemStatus/>' });
    await peer.expect('ACK');
    await eventually('established', () => call.state === 'established');
    expect(seen).toEqual(['established']);
    expect(call.body).toEqual({ type: CSTA, content: '<SystemStatus/>' });

    const service = call.request('INFO', { body: { type: CSTA, content: '<MakeCall/>' } });
    peer.reply(await peer.expect('INFO'), '200 OK');
    await settled('the service', service);
    const over = call.hangup();
    peer.reply(await peer.expect('BYE'), '200 OK');
    await settled('the end', over);
  });

  it('is opened by the peer where the account takes such bodies', async () => {
    const { incoming, peer } = await bench({ account: { sessions: [CSTA] } });
    peer.request(OUR, 'INVITE', { callId: 'csta', body: '<hello/>', type: CSTA });
    await peer.expect('SIP/2.0 180');
    const call = incoming[0];
    expect(call?.body).toEqual({ type: CSTA, content: '<hello/>' });
    const answering = call?.answer({ body: { type: CSTA, content: '<welcome/>' } });
    const ok = await peer.expect('SIP/2.0 200');
    expect(ok.header('Content-Type')).toBe(CSTA);
    expect(ok.body).toBe('<welcome/>');
    await settled('the answer', Promise.resolve(answering));
    peer.request(OUR, 'ACK', { callId: 'csta', to: ok.header('To'), uri: ok.contact });
    await eventually('established', () => call?.state === 'established');
  });

  it('is refused with 415 elsewhere', async () => {
    const { peer } = await bench();
    peer.request(OUR, 'INVITE', { body: '<hello/>', type: CSTA });
    expect((await peer.expect('SIP/2.0 415')).header('Accept')).toBe('application/sdp');
  });
});
