import { systemClock, withDeadline } from '@offhook/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Channel } from '../src/channel.ts';
import { Mux } from '../src/mux/index.ts';
import { listenSpicePort } from '../src/spice/index.ts';
import {
  baseFromClient,
  baseFromServer,
  mainFromClient,
  mainFromServer,
  PortEvent,
  portFromServer,
} from '../src/spice/messages.ts';
import {
  beginSeamless,
  beginSemiSeamless,
  fakeServer,
  GuestEnd,
  linked,
  Log,
  NAME,
  nextText,
  receives,
  heardAtTheSource,
  text,
  toward,
} from './support/moving-desktop.ts';

/** SPICE_MIGRATE_NEED_FLUSH | SPICE_MIGRATE_NEED_DATA_TRANSFER. */
const FLUSH_AND_DATA = 3;

describe('a headless client whose desktop moves seamlessly', () => {
  it('keeps the stream, and loses nothing on either side', async () => {
    const client = await linked();
    const destination = await fakeServer({ opened: false });
    const { main, port } = await beginSeamless(client, destination);
    expect([main.connectionId, port.connectionId]).toEqual([
      client.source.sessionId,
      client.source.sessionId,
    ]);

    client.port.send(portFromServer.data, text('a'));
    client.stream.channel.write(Buffer.from('1'));
    client.port.send(baseFromServer.migrate, { flags: FLUSH_AND_DATA });
    await client.port.next('FLUSH_MARK', baseFromClient.migrateFlushMark);
    // In the meantime: waits for the destination.
    client.stream.channel.write(Buffer.from('2'));
    client.port.send(portFromServer.data, text('b'));
    client.port.send(baseFromServer.migrateData, text('state of the port'));
    client.main.send(baseFromServer.migrate, { flags: FLUSH_AND_DATA });
    await client.main.next('FLUSH_MARK', baseFromClient.migrateFlushMark);
    client.main.send(baseFromServer.migrateData, text('state of main'));

    const portState = await port.next('MIGRATE_DATA', baseFromClient.migrateData);
    expect(Buffer.from(portState.data).toString()).toBe('state of the port');
    const mainState = await main.next('MIGRATE_DATA', baseFromClient.migrateData);
    expect(Buffer.from(mainState.data).toString()).toBe('state of main');
    port.send(portFromServer.event, { event: PortEvent.opened });
    port.send(portFromServer.data, text('c'));
    await receives(client.stream, 'abc');
    client.stream.channel.write(Buffer.from('3'));
    expect(await nextText(client.port)).toBe('1');
    expect((await nextText(port)) + (await nextText(port))).toBe('23');
    expect(client.streams.items).toHaveLength(1);
    await Promise.all([client.main.closed, client.port.closed]);
    expect(await client.news.find('the news', ({ kind }) => kind === 'moved')).toMatchObject({
      lossless: true,
    });
    expect(client.listener.address).toContain(String(destination.port));
  });

  it('can move on from there', async () => {
    const client = await linked();
    const [second, third] = [await fakeServer({ opened: false }), await fakeServer()];
    const { main, port } = await beginSeamless(client, second);
    for (const channel of [client.main, client.port])
      channel.send(baseFromServer.migrate, { flags: 0 });
    await client.news.find('the arrival', ({ kind }) => kind === 'moved');
    port.send(portFromServer.event, { event: PortEvent.opened });
    const next = await beginSemiSeamless({ ...client, main, port }, third);
    main.send(mainFromServer.migrateEnd, {});
    await next.main.next('MIGRATE_END', mainFromClient.migrateEnd);
    expect(next.main.connectionId).toBe(client.source.sessionId);
  });

  it('takes a closing of the guest’s end at the destination for what it is', async () => {
    const client = await linked();
    const { port } = await beginSeamless(client, await fakeServer({ opened: false }));
    for (const channel of [client.main, client.port])
      channel.send(baseFromServer.migrate, { flags: 0 });
    port.send(portFromServer.event, { event: PortEvent.opened });
    port.send(portFromServer.event, { event: PortEvent.closed });
    port.send(portFromServer.event, { event: PortEvent.opened });
    await client.streams.find('another stream', (stream) => stream !== client.stream);
    expect(client.stream.ended).toContain('the guest closed');
  });

  it('connects anew at the destination when the source dies half-way', async () => {
    const client = await linked();
    const destination = await fakeServer();
    await beginSeamless(client, destination);
    client.port.send(baseFromServer.migrate, { flags: FLUSH_AND_DATA });
    await client.port.next('FLUSH_MARK', baseFromClient.migrateFlushMark);
    await client.source.stop();
    expect((await destination.channel('main')).connectionId).toBe(0);
    await client.streams.find('another stream', (stream) => stream !== client.stream);
  });
});

describe('a headless client whose desktop moves semi-seamlessly', () => {
  it('leaves the source at the end, and begins the stream anew', async () => {
    const client = await linked();
    const destination = await fakeServer({ opened: false });
    const { main, port } = await beginSemiSeamless(client, destination);
    expect(client.stream.ended).toBeUndefined();
    client.main.send(mainFromServer.migrateEnd, {});
    await main.next('MIGRATE_END', mainFromClient.migrateEnd);
    main.send(mainFromServer.init, { ...EMPTY_INIT, sessionId: client.source.sessionId });
    await main.next('ATTACH', mainFromClient.attachChannels);
    const next = await client.streams.find('a stream', (stream) => stream !== client.stream);
    expect(client.stream.ended).toContain('moved to another host');
    next.channel.write(Buffer.from('hello'));
    expect(await nextText(port)).toBe('hello');
    // Said late, or never: the guest's end was open all the time.
    port.send(portFromServer.event, { event: PortEvent.opened });
    port.send(portFromServer.data, text('welcome'));
    await receives(next, 'welcome');
    expect(client.streams.items).toHaveLength(2);
    await Promise.all([client.main.closed, client.port.closed]);
  });

  it('has the loss noticed and repaired by the multiplexers at both ends', async () => {
    const source = await fakeServer();
    const destination = await fakeServer({ opened: true });
    const engines: Mux[] = [];
    const listener = listenSpicePort({
      source: { host: '127.0.0.1', port: source.port, password: '', secureChannels: [] },
      portName: NAME,
      clock: systemClock,
      onChannel: (channel) => {
        const services = { media: (stream: Channel) => echo(stream) };
        engines.push(new Mux(channel, { clock: systemClock, services }));
      },
    });
    onTestFinished(() => listener.close());
    const [main, port] = [await source.channel('main'), await source.channel('port')];
    const guest = GuestEnd.at(port);
    const guestMux = new Mux(guest.end, { clock: systemClock });
    const ups = new Log<string>();
    guestMux.on('up', () => ups.add('up'));
    guestMux.on('down', ({ code }) => ups.add(code));
    await ups.find('the greeting', (event) => event === 'up');
    const before = guestMux.open('media');

    main.send(mainFromServer.migrateBegin, toward(destination));
    const [nextMain, nextPort] = [
      await destination.channel('main'),
      await destination.channel('port'),
    ];
    await main.next('CONNECTED', mainFromClient.migrateConnected);
    // Lost: nobody forwards it.
    guest.moveTo(undefined);
    before.write(Buffer.from('lost'));
    main.send(mainFromServer.migrateEnd, {});
    await nextMain.next('MIGRATE_END', mainFromClient.migrateEnd);
    guest.moveTo(nextPort);

    await ups.find('the repair', (event) => event === 'peer-restarted');
    await withDeadline({ layer: 'system', what: 'the second greeting', ms: 3000 }, async () => {
      while (!guestMux.up) await new Promise<void>((resolve) => guestMux.on('up', resolve));
    });
    expect(before.closed).toBe(true);
    const after = { channel: guestMux.open('media'), received: '' };
    after.channel.on('data', (bytes) => (after.received += Buffer.from(bytes).toString()));
    after.channel.write(Buffer.from('found'));
    await receives(after, 'found');
    await guestMux.close();
  });

  it('does not let the old stream hold the new one up', async () => {
    const client = await linked();
    const { port } = await beginSemiSeamless(client, await fakeServer());
    client.main.send(mainFromServer.migrateEnd, {});
    const next = await client.streams.find('a stream', (stream) => stream !== client.stream);
    client.stream.channel.pause();
    port.send(portFromServer.data, text('heard'));
    await receives(next, 'heard');
    expect(client.stream.received).toBe('');
  });

  it('connects to the destination anew when that was lost before the end', async () => {
    const client = await linked();
    const destination = await fakeServer();
    const { main } = await beginSemiSeamless(client, destination);
    main.cut();
    await main.closed;
    client.main.send(mainFromServer.migrateEnd, {});
    expect((await destination.channel('main')).connectionId).toBe(0);
    await client.streams.find('another stream', (stream) => stream !== client.stream);
  });
});

describe('a headless client whose desktop is to be found elsewhere', () => {
  it('connects there anew', async () => {
    const client = await linked();
    const destination = await fakeServer();
    client.main.send(mainFromServer.migrateSwitchHost, toward(destination));
    expect((await destination.channel('main')).connectionId).toBe(0);
    await client.streams.find('another stream', (stream) => stream !== client.stream);
    expect(client.listener.address).toBe(`spice://127.0.0.1:${destination.port}`);
  });

  it('says so when its ticket is refused there, and takes a fresh one', async () => {
    const client = await linked({ ticket: 'old' });
    const destination = await fakeServer({ ticket: 'new' });
    client.main.send(mainFromServer.migrateSwitchHost, toward(destination));
    const refused = await client.states.find('a refusal', ({ state }) => state === 'refused');
    expect(refused).toMatchObject({ error: { code: 'spice-permission-denied' } });
    client.listener.useSource({ ...client.given, port: destination.port, password: 'new' });
    await client.streams.find('another stream', (stream) => stream !== client.stream);
  });
});

describe('a migration that fails', () => {
  it.each(['seamlessly', 'semi-seamlessly'])(
    'leaves the client at the source: a destination with another ticket, %s',
    async (way) => {
      const client = await linked();
      const to = toward(await fakeServer({ ticket: 'other' }));
      if (way === 'seamlessly')
        client.main.send(mainFromServer.migrateBeginSeamless, { ...to, sourceVersion: 1 });
      else client.main.send(mainFromServer.migrateBegin, to);
      await client.main.next('CONNECT_ERROR', mainFromClient.migrateConnectError);
      expect(await client.news.find('the news', ({ kind }) => kind === 'stayed')).toMatchObject({
        error: { code: 'spice-permission-denied' },
      });
      expect(await heardAtTheSource(client)).toBe('still here');
    },
  );

  it('leaves the client at the source: a destination that is not there', async () => {
    const client = await linked();
    const destination = await fakeServer();
    await destination.stop();
    client.main.send(mainFromServer.migrateBegin, { ...toward(destination), port: 1 });
    await client.main.next('CONNECT_ERROR', mainFromClient.migrateConnectError);
    expect(await heardAtTheSource(client)).toBe('still here');
  });

  it('leaves the client at the source: a destination without an address', async () => {
    const client = await linked();
    const nowhere = { ...toward(client.source), port: 0 };
    client.main.send(mainFromServer.migrateBegin, nowhere);
    await client.main.next('CONNECT_ERROR', mainFromClient.migrateConnectError);
    expect(await heardAtTheSource(client)).toBe('still here');
  });

  it('leaves the client at the source when the server cancels it', async () => {
    const client = await linked();
    const { main, port } = await beginSeamless(client, await fakeServer());
    client.main.send(mainFromServer.migrateCancel, {});
    await Promise.all([main.closed, port.closed]);
    expect(await heardAtTheSource(client)).toBe('still here');
  });

  it('goes back to the source when that only lost the connection', async () => {
    const client = await linked();
    const destination = await fakeServer();
    await beginSemiSeamless(client, destination);
    client.main.close();
    expect((await client.source.channel('main')).connectionId).toBe(0);
    await client.streams.find('another stream', (stream) => stream !== client.stream);
  });
});

function echo(stream: Channel): void {
  stream.on('data', (bytes) => stream.write(Uint8Array.from(bytes)));
}

const EMPTY_INIT = {
  displayChannelsHint: 1,
  supportedMouseModes: 1,
  currentMouseMode: 1,
  agentConnected: 0,
  agentTokens: 10,
  multiMediaTime: 0,
  ramHint: 0,
};
