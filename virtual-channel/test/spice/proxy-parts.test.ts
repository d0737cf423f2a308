import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { OffhookError } from '@offhook/common';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encryptTicket } from '../../src/spice/link.ts';
import { decodeLinkRequest, TicketKey } from '../../src/spice/proxy/link-server.ts';
import { MessageFilter, type Rewrite } from '../../src/spice/proxy/message-filter.ts';
import { makeOwnCertificate } from '../../src/spice/proxy/own-certificate.ts';
import { peerUser, userOf } from '../../src/spice/proxy/peer-user.ts';
import { ViewerTickets } from '../../src/spice/proxy/viewer-tickets.ts';
import { frame } from './fake-server.ts';

const WATCHED = 104;

async function through(chunks: readonly Uint8Array[], rewrite: Rewrite): Promise<Buffer> {
  const out: Buffer[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      out.push(Buffer.from(chunk));
      done();
    },
  });
  await pipeline(chunks, new MessageFilter([WATCHED], rewrite), sink);
  return Buffer.concat(out);
}

/** Bytes cut at these places, in any order. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % bytes.length), bytes.length].toSorted(
    (left, right) => left - right,
  );
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

describe('the filter of the main channel', () => {
  const messages = fc.array(
    fc.record({ type: fc.constantFrom(1, WATCHED, 115), body: fc.uint8Array({ maxLength: 300 }) }),
    { minLength: 1, maxLength: 20 },
  );

  it('passes messages on unchanged however they are cut, and shows the watched ones whole', async () => {
    await fc.assert(
      fc.asyncProperty(messages, fc.array(fc.nat(), { maxLength: 10 }), async (sent, places) => {
        const bytes = Buffer.concat(sent.map(({ type, body }) => frame(type, body)));
        const seen: Uint8Array[] = [];
        const out = await through(cut(bytes, places), ({ body }) => {
          seen.push(Uint8Array.from(body));
          return Promise.resolve(undefined);
        });
        expect(out).toEqual(bytes);
        expect(seen).toEqual(
          sent.filter(({ type }) => type === WATCHED).map(({ body }) => Uint8Array.from(body)),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('sends another body where it is told to, and holds back what comes behind meanwhile', async () => {
    const decided = Promise.withResolvers<Uint8Array>();
    const out: number[] = [];
    const filter = new MessageFilter([WATCHED], () => decided.promise);
    filter.on('data', (chunk: Buffer) => out.push(...chunk));
    filter.write(Buffer.concat([frame(WATCHED, Buffer.of(1, 2, 3)), frame(5, Buffer.of(9))]));
    const ended = new Promise((resolve) => filter.once('end', resolve));
    filter.end();
    expect(out).toEqual([]);
    decided.resolve(Buffer.of(7));
    await ended;
    expect(out).toEqual([...frame(WATCHED, Buffer.of(7)), ...frame(5, Buffer.of(9))]);
  });

  it('breaks off at a watched message that is longer than any can be', async () => {
    const bytes = Buffer.alloc(6);
    bytes.writeUInt16LE(WATCHED, 0);
    bytes.writeUInt32LE(0xffff_ffff, 2);
    await expect(through([bytes], () => Promise.resolve(undefined))).rejects.toMatchObject({
      code: 'spice-malformed',
    });
  });
});

describe('the link message of a viewer', () => {
  it.each([
    ['is truncated', Buffer.alloc(17)],
    ['has capabilities outside', Buffer.concat([Buffer.alloc(6), Buffer.alloc(12, 0xff)])],
    [
      'points beyond its end',
      Buffer.from([...Buffer.alloc(6), 1, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0, 0]),
    ],
  ])('is refused when it %s', (_what, bytes) => {
    expect(() => decodeLinkRequest(bytes)).toThrow(/link message is not valid/u);
  });

  it('never makes the reader fail otherwise', () => {
    const codeOf = (bytes: Uint8Array): unknown => {
      try {
        decodeLinkRequest(bytes);
        return undefined;
      } catch (error) {
        return error instanceof OffhookError ? error.code : error;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect([undefined, 'spice-malformed']).toContain(codeOf(bytes));
      }),
    );
  });
});

describe('the proxy’s own keys', () => {
  it('read the ticket that a viewer encrypts, and nothing else', async () => {
    const key = await TicketKey.create();
    expect(key.publicKey).toHaveLength(162);
    expect(key.decrypt(encryptTicket(key.publicKey, 'sésame'))).toBe('sésame');
    expect(key.decrypt(Buffer.alloc(128, 1))).toBeUndefined();
    const other = await TicketKey.create();
    expect(other.decrypt(encryptTicket(key.publicKey, 'x'))).toBeUndefined();
  });

  it('come with a certificate that vouches for itself, at the loopback address only', async () => {
    const { cert } = await makeOwnCertificate('Offhook test');
    const parsed = new X509Certificate(cert);
    expect(parsed.subject).toBe('CN=Offhook test');
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.ca).toBe(true);
    expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(parsed.checkIP('127.0.0.2')).toBeUndefined();
    expect(new Date(parsed.validFrom).getTime()).toBeLessThan(Date.now());
    expect(new Date(parsed.validTo).getTime()).toBeGreaterThan(Date.now());
    expect(new X509Certificate((await makeOwnCertificate('x')).cert).serialNumber).not.toBe(
      parsed.serialNumber,
    );
  });
});

describe('tickets for viewers', () => {
  it('stand for that of the server, until they are taken back', () => {
    const tickets = new ViewerTickets('secret');
    const { ticket, revoke } = tickets.issue();
    expect(Buffer.byteLength(ticket)).toBeLessThanOrEqual(60);
    expect(tickets.issue().ticket).not.toBe(ticket);
    expect(tickets.resolve(ticket)).toEqual({ password: 'secret', typed: false });
    tickets.accept({ password: 'secret', typed: false });
    revoke();
    expect(tickets.resolve(ticket)).toBeUndefined();
  });

  it('may be typed ones only while the server has taken none', () => {
    const tickets = new ViewerTickets('');
    const typed = tickets.resolve('typed');
    expect(typed).toEqual({ password: 'typed', typed: true });
    if (typed !== undefined) tickets.accept(typed);
    expect(tickets.password).toBe('typed');
    expect(tickets.resolve('typed')).toMatchObject({ password: 'typed' });
    expect(tickets.resolve('another')).toBeUndefined();
    tickets.refuse();
    expect(tickets.resolve('another')).toMatchObject({ typed: true });
  });

  it('of the server are replaced by a fresh one, a typed one too', () => {
    const tickets = new ViewerTickets('old');
    const { ticket } = tickets.issue();
    tickets.accept({ password: 'typed', typed: true });
    tickets.replace('new');
    tickets.accept({ password: 'new', typed: false });
    expect(tickets.resolve(ticket)).toEqual({ password: 'new', typed: false });
    expect(tickets.resolve('typed')).toBeUndefined();
  });
});

describe('the user of a connection', () => {
  // proc(5): as the kernel writes it.
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1
   1: 0100007F:A1B2 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 12346 1
   2: 0100007F:1F90 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000  1000        0 12347 1
`;

  it('is that of the end that connected, not of the one that took the connection', () => {
    expect(userOf(table, 0xa1b2, 0x1f90)).toBe(1001);
    expect(userOf(table, 0x1f90, 0xa1b2)).toBe(1000);
    expect(userOf(table, 0xa1b3, 0x1f90)).toBeUndefined();
    expect(userOf('', 1, 2)).toBeUndefined();
  });

  it('is found for a real one', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const accepted = once(server, 'connection');
    const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    const [socket] = (await accepted) as [Socket];
    expect(await peerUser(socket)).toBe(process.getuid?.());
    client.destroy();
    socket.destroy();
    server.close();
  });
});
