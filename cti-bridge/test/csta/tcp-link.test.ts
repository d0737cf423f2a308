import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { OffhookError } from '@offhook/common';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { CstaLink } from '../../src/csta/link.ts';
import { CstaFrameReader, encodeFrame, tcpLink, type CstaFrame } from '../../src/csta/tcp-link.ts';

describe('the frames of ECMA-323 Annex J', () => {
  it('have the length of all and four digits before the XML', () => {
    const frame = encodeFrame({ invokeId: 7, xml: '<a/>' });
    expect(frame.toString('latin1')).toBe('\0\0\0\u000c0007<a/>');
  });

  it('are read whatever the pieces', () => {
    const frame = fc.record({ invokeId: fc.nat(9999), xml: fc.string({ maxLength: 50 }) });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        (list, step) => {
          const bytes = Buffer.concat(list.map((one) => encodeFrame(one)));
          const reader = new CstaFrameReader();
          const read: CstaFrame[] = [];
          for (let at = 0; at < bytes.length; at += step) {
            expect(reader.push(bytes.subarray(at, at + step), (one) => read.push(one))).toBe(true);
          }
          expect(read).toEqual(
            list.map(({ invokeId, xml }) => ({ invokeId, xml: Buffer.from(xml).toString() })),
          );
        },
      ),
    );
  });

  it.each(['GET / HTTP/1.1', '\0\0\0\u00040001', '\0\0\0\u0010abcd<a/>....'])(
    'are not %j',
    (text) => {
      const reader = new CstaFrameReader();
      expect(reader.push(Buffer.from(text, 'latin1'), () => undefined)).toBe(false);
    },
  );
});

describe('a link to a switch', () => {
  let server: Server;
  let link: CstaLink;
  let peer: Socket;
  const events: string[] = [];
  const closed = Promise.withResolvers<OffhookError>();

  async function connect(answer: (frame: CstaFrame, socket: Socket) => void): Promise<void> {
    server = createServer((socket) => {
      peer = socket;
      const reader = new CstaFrameReader();
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => reader.push(chunk, (frame) => answer(frame, socket)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    link = await tcpLink({ host: '127.0.0.1', port })(
      { onEvent: (xml) => events.push(xml), onClose: closed.resolve },
      AbortSignal.timeout(5000),
    );
  }

  afterEach(async () => {
    link.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it('gives each request its own response, in whatever order they come', async () => {
    const waiting: CstaFrame[] = [];
    await connect((frame, socket) => {
      waiting.push(frame);
      if (waiting.length < 2) return;
      socket.write(encodeFrame({ invokeId: 4242, xml: '<ToNobody/>' }));
      socket.write(encodeFrame({ invokeId: 9999, xml: '<HeldEvent/>' }));
      for (const { invokeId, xml } of waiting.toReversed()) {
        socket.write(encodeFrame({ invokeId, xml: `${xml}!` }));
      }
    });
    const signal = AbortSignal.timeout(5000);
    const both = Promise.all([link.request('<a/>', signal), link.request('<b/>', signal)]);
    expect(await both).toEqual(['<a/>!', '<b/>!']);
    expect(events).toEqual(['<HeldEvent/>']);
  });

  it('ends when the peer does not speak CSTA, and rejects what waits', async () => {
    await connect((_, socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const waiting = link.request('<a/>', AbortSignal.timeout(5000));
    await expect(waiting).rejects.toMatchObject({ layer: 'cti', code: 'bad-peer' });
    expect((await closed.promise).code).toBe('bad-peer');
    peer.destroy();
  });
});
