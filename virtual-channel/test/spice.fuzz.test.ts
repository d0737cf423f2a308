import { isOffhookError } from '@offhook/common';
import { fuzzing, inPieces, isReadOrRefused, mangled } from '@offhook/common/fuzz';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemoryPair } from '../src/index.ts';
import { parseHttpProxy } from '../src/spice/http-proxy.ts';
import { desktopFileFor, parseDesktopFile, parseSpiceUri } from '../src/spice/index.ts';
import { decodeBody, encodeBody, type Layout } from '../src/spice/layout.ts';
import {
  announcedLength,
  decodeLinkReply,
  encodeLinkRequest,
  LINK_HEADER_BYTES,
} from '../src/spice/link.ts';
import {
  baseFromClient,
  baseFromServer,
  mainFromClient,
  mainFromServer,
  portFromClient,
  portFromServer,
} from '../src/spice/messages.ts';
import { readDestination } from '../src/spice/migration/destination.ts';
import {
  SETTLED,
  stepMigration,
  type MigrationInput,
  type MigrationState,
} from '../src/spice/migration/machine.ts';
import { decodeLinkRequest, encodeLinkReply, TicketKey } from '../src/spice/proxy/link-server.ts';
import { MessageEnds } from '../src/spice/proxy/message-ends.ts';
import { MessageFilter } from '../src/spice/proxy/message-filter.ts';
import { encodeChannelsList, readChannelsList } from '../src/spice/session.ts';
import { SpiceChannel } from '../src/spice/spice-channel.ts';
import { frame } from './spice/fake-server.ts';

const rows = [
  baseFromServer,
  baseFromClient,
  mainFromServer,
  mainFromClient,
  portFromServer,
  portFromClient,
].flatMap((table) => Object.entries<{ readonly type: number; readonly body: Layout }>(table));

/** A body with something in each field. */
function bodyOf(layout: Layout): Uint8Array {
  const values = {
    u8: 1,
    u16: 5900,
    u32: 3,
    u64: 7n,
    blob: Buffer.from('host\0'),
    rest: Buffer.of(1, 2, 3, 4),
  };
  const fields = Object.fromEntries(
    Object.entries(layout).map(([name, type]) => [name, values[type]]),
  );
  return encodeBody(layout, fields as never);
}

const LIST = encodeChannelsList([
  { type: 2, id: 0 },
  { type: 10, id: 1 },
]);
const bodies = [...rows.map(([, row]) => bodyOf(row.body)), LIST];
const messages = [
  ...rows.map(([, row]) => frame(row.type, bodyOf(row.body))),
  frame(mainFromServer.channelsList.type, LIST),
];

const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 6 });
/** A channel's stream, damaged somewhere. */
const stream = fc
  .array(fc.oneof(fc.constantFrom(...messages), mangled(messages)), { minLength: 1, maxLength: 6 })
  .map((parts) => Buffer.concat(parts));

describe('bodies of SPICE messages', () => {
  it('are read or refused, whatever they are', () => {
    const source = { host: 'here', password: '', secureChannels: [] };
    fc.assert(
      fc.property(fc.oneof(mangled(bodies), fc.uint8Array({ maxLength: 300 })), (body) => {
        for (const [name, row] of rows)
          expect(isReadOrRefused(() => decodeBody(name, row.body, body))).toBe(true);
        expect(isReadOrRefused(() => readChannelsList(body))).toBe(true);
        const { migrateBegin } = mainFromServer;
        const destination = () => decodeBody('begin', migrateBegin.body, body);
        for (const secure of [true, false])
          expect(isReadOrRefused(() => readDestination(destination(), source, secure))).toBe(true);
      }),
      fuzzing(),
    );
  });
});

describe('the link stage', () => {
  it('is read or refused at both ends, whatever comes', async () => {
    const request = encodeLinkRequest({
      connectionId: 0x5e55,
      channelType: 2,
      channelId: 1,
      channelCaps: [1, 33],
    });
    const reply = encodeLinkReply((await TicketKey.create()).publicKey, [1, 33]);
    const ways = [
      [request, decodeLinkRequest],
      [reply, decodeLinkReply],
    ] as const;
    for (const [good, decode] of ways) {
      fc.assert(
        fc.property(mangled([good]), (bytes) => {
          const header = Buffer.alloc(LINK_HEADER_BYTES);
          bytes.copy(header);
          expect(isReadOrRefused(() => announcedLength(header))).toBe(true);
          expect(isReadOrRefused(() => decode(bytes.subarray(LINK_HEADER_BYTES)))).toBe(true);
        }),
        fuzzing(),
      );
    }
  });
});

describe('what a server says on a channel', () => {
  it('is told message by message, or ends that channel with a reason', async () => {
    const reply = encodeLinkReply((await TicketKey.create()).publicKey, []);
    await fc.assert(
      fc.asyncProperty(stream, sizes, async (bytes, pieces) => {
        const { left, right } = createMemoryPair();
        const linking = SpiceChannel.link(left, {
          connectionId: 1,
          channelType: 1,
          channelId: 0,
          channelCaps: [],
          password: 'x',
          timeoutMs: 5000,
        });
        right.on('data', () => undefined);
        right.write(reply);
        right.write(Buffer.alloc(4));
        const channel = await linking;
        let told = 0;
        const closed = new Promise<Error | undefined>((resolve) => channel.on('close', resolve));
        channel.on('message', ({ body }) => (told += body.length));
        for (const piece of inPieces(bytes, pieces)) if (!right.closed) right.write(piece);
        await right.close();
        const reason = await closed;
        expect(reason === undefined || isOffhookError(reason)).toBe(true);
        expect(told).toBeLessThanOrEqual(bytes.length);
      }),
      fuzzing(300),
    );
  });

  it('passes the proxy’s filter as it is, but for what was looked at, or ends it with a reason', async () => {
    const watched = [mainFromServer.channelsList, mainFromServer.migrateBegin];
    await fc.assert(
      fc.asyncProperty(stream, sizes, async (bytes, pieces) => {
        const filter = new MessageFilter(
          watched.map(({ type }) => type),
          async ({ type, body }) => {
            if (type === mainFromServer.channelsList.type) readChannelsList(body);
            else decodeBody('begin', mainFromServer.migrateBegin.body, body);
            return undefined;
          },
        );
        const out: Buffer[] = [];
        filter.on('data', (chunk: Buffer) => out.push(chunk));
        const over = new Promise<Error | undefined>((resolve) => {
          filter.once('error', resolve).once('end', () => resolve(undefined));
        });
        for (const piece of inPieces(bytes, pieces)) if (!filter.destroyed) filter.write(piece);
        if (!filter.destroyed) filter.end();
        const reason = await over;
        expect(reason === undefined || isOffhookError(reason)).toBe(true);
        const passed = Buffer.concat(out);
        expect(passed.equals(bytes.subarray(0, passed.length))).toBe(true);
      }),
      fuzzing(300),
    );
  });

  it('is cut at the ends of its messages, and nowhere else', () => {
    fc.assert(
      fc.property(stream, sizes, (bytes, pieces) => {
        const ends = new MessageEnds();
        for (const piece of inPieces(bytes, pieces)) {
          const { start, end } = ends.push(piece);
          expect(start >= 0 && start <= end && end <= piece.length).toBe(true);
        }
      }),
      fuzzing(),
    );
  });
});

describe('a desktop that moves', () => {
  const channel = fc.constantFrom('main' as const, 'port' as const);
  const input: fc.Arbitrary<MigrationInput> = fc.oneof(
    fc.record({
      kind: fc.constant('begin' as const),
      version: fc.option(fc.nat(3), { nil: undefined }),
    }),
    fc.record({ kind: fc.constant('seamless-answer' as const), accepted: fc.boolean() }),
    fc.record({
      kind: fc.constant('migrate' as const),
      channel,
      flush: fc.boolean(),
      data: fc.boolean(),
    }),
    fc.record({ kind: fc.constantFrom('data' as const, 'source-closed' as const), channel }),
    fc
      .constantFrom(
        'main-linked' as const,
        'port-linked' as const,
        'destination-failed' as const,
        'cancel' as const,
        'end' as const,
        'switch-host' as const,
        'late' as const,
      )
      .map((kind) => ({ kind })),
  );

  it('is followed, or its connection left once and for all, in whatever order the servers speak', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 30 }), (inputs) => {
        let state: MigrationState = SETTLED;
        let left = 0;
        for (const one of inputs) {
          const step = stepMigration(state, one);
          const stays = step.state === state && step.effects.length === 0;
          expect(state.kind !== 'left' || stays).toBe(true);
          left += step.effects.filter(({ kind }) => kind === 'leave').length;
          state = step.state;
        }
        expect(left).toBe(state.kind === 'left' ? 1 : 0);
      }),
      fuzzing(),
    );
  });
});

describe('what names a desktop', () => {
  const file = Buffer.from(
    '[virt-viewer]\ntype=spice\nhost=a.example.com\nport=5900\ntls-port=5901\npassword=x\n' +
      'ca=-----BEGIN\\n-----END\\n\nhost-subject=CN=a\nproxy=http://u:p@proxy:3128\ndelete-this-file=1\n',
  );
  const pieces = [
    '=',
    '\n',
    '[',
    ']',
    '\\n',
    '\\',
    '%',
    'proxy=',
    'port=-1',
    'http://',
    '\0',
    'é',
    ' ',
  ];
  const entrance = { host: '127.0.0.1', port: 1, ticket: 't', revoke: () => undefined };

  it('is read or refused with a reason, and no key of the desktop’s gets to the viewer', () => {
    fc.assert(
      fc.property(mangled([file], pieces), (bytes) => {
        const text = bytes.toString('utf8');
        expect(isReadOrRefused(() => parseDesktopFile(text))).toBe(true);
        const keys = parseDesktopFile(desktopFileFor(entrance)).source;
        expect(keys).toMatchObject({ host: '127.0.0.1', port: 1 });
      }),
      fuzzing(),
    );
  });

  it('is read or refused with a reason as an address, and as that of a proxy', () => {
    const addresses = ['spice://host:5900?tls-port=5901&password=x', 'http://user:p%40@[::1]:3128'];
    fc.assert(
      fc.property(
        mangled(
          addresses.map((one) => Buffer.from(one)),
          pieces,
        ),
        (bytes) => {
          const text = bytes.toString('utf8');
          expect(isReadOrRefused(() => parseSpiceUri(text))).toBe(true);
          expect(isReadOrRefused(() => parseHttpProxy(text))).toBe(true);
        },
      ),
      fuzzing(),
    );
  });
});
