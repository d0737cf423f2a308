import { createSocket, type Socket } from 'node:dgram';
import { describe, expect, it } from 'vitest';
import { mirrorIn } from '../src/infra/apt.ts';
import { digestFault } from '../src/infra/digest.ts';
import { freePorts } from '../src/infra/ports.ts';
import { ManagedProcess, run } from '../src/infra/process.ts';
import { Scope } from '../src/infra/scope.ts';
import {
  attributes,
  audioTarget,
  directionOf,
  header,
  headerList,
  parseSip,
  telephoneEventType,
} from '../src/infra/sip-message.ts';
import { UdpRelay } from '../src/infra/udp-relay.ts';
import { until } from '../src/infra/wait.ts';
import { readPcapUdp } from '../src/media/pcap.ts';
import { toToml } from '../src/phone/toml.ts';

describe('a SIP message', () => {
  const message = parseSip(
    [
      'INVITE sip:alice@192.0.2.1 SIP/2.0',
      'v: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx, SIP/2.0/TCP a.example',
      'Via: SIP/2.0/TLS b.example',
      'Contact: "Smith, John" <sip:john@a.example>, <sip:b@b.example;x=1,2>',
      'CSeq: 7',
      '  INVITE',
      '',
      'v=0',
      'c=IN IP4 192.0.2.9',
      'm=audio 4000 RTP/AVP 8 96',
      'a=rtpmap:96 telephone-event/8000',
      'a=crypto:1 X inline:y',
      'a=sendonly',
    ].join('\r\n'),
  );

  it('is known by compact names, over folded lines and with lists taken apart', () => {
    expect(message.method).toBe('INVITE');
    expect(header(message, 'CSeq')).toBe('7 INVITE');
    expect(headerList(message, 'via')).toHaveLength(3);
    expect(headerList(message, 'contact')).toEqual([
      '"Smith, John" <sip:john@a.example>',
      '<sip:b@b.example;x=1,2>',
    ]);
  });

  it('has a description that can be read', () => {
    expect(audioTarget(message.body)).toEqual({ address: '192.0.2.9', port: 4000 });
    expect(telephoneEventType(message.body)).toBe(96);
    expect(attributes(message.body, 'crypto')).toEqual(['1 X inline:y']);
    expect(directionOf(message.body)).toBe('sendonly');
  });
});

describe('credentials', () => {
  // The example of RFC 7616 §3.9.1.
  const request = (response: string) =>
    parseSip(
      [
        'GET /dir/index.html HTTP/1.1',
        'Authorization: Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", ' +
          'algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, ' +
          'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ' +
          `response="${response}"`,
        'CSeq: 1 GET',
        '',
        '',
      ].join('\r\n'),
    );
  const who = { field: 'authorization', username: 'Mufasa', password: 'Circle of Life' } as const;

  it('that prove the password have no fault', () => {
    const right = '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1';
    expect(digestFault(request(right), who)).toBeUndefined();
  });

  it('that do not are told', () => {
    expect(digestFault(request('00'), who)).toContain('instead of 753927');
    expect(digestFault(parseSip('GET / HTTP/1.1\r\n\r\n'), who)).toContain('no authorization');
  });
});

describe('the apt sources of a machine', () => {
  it('name the mirror of Debian in either format, and no other archive', () => {
    expect(
      mirrorIn(
        'deb https://other.example/apt stable main\ndeb [arch=amd64] http://m.example/debian sid main',
      ),
    ).toBe('http://m.example/debian');
    expect(
      mirrorIn('Types: deb\n# URIs: http://no.example/debian\nURIs: http://m.example/debian/'),
    ).toBe('http://m.example/debian/');
    expect(mirrorIn('URIs: https://m.example/debian-security')).toBeUndefined();
  });
});

describe('a lossy line', () => {
  async function socket(): Promise<Socket> {
    const one = createSocket('udp4');
    await new Promise<void>((resolve) => one.bind(0, '127.0.0.1', resolve));
    return one;
  }

  it('loses about the share it is told to, and never too many in a row', async () => {
    const [caller, target] = [await socket(), await socket()];
    const { port } = target.address();
    const relay = await UdpRelay.open({
      address: '127.0.0.1',
      target: { address: '127.0.0.1', port },
      loss: 0.2,
      seed: 1,
    });
    const arrived: number[] = [];
    target.on('message', (bytes, from) => {
      arrived.push(bytes.readUInt16BE());
      target.send('back', from.port, from.address);
    });
    for (let number = 0; number < 1000; number++) {
      const bytes = Buffer.alloc(2);
      bytes.writeUInt16BE(number);
      caller.send(bytes, relay.port, '127.0.0.1');
      // In small pieces, so that nothing but the relay loses any.
      if (number % 20 === 19) {
        const handled = () => relay.passed + relay.dropped >= number + 1 + arrived.length;
        await until('these to be through', handled, { within: 2000, every: 1 });
      }
    }
    expect(arrived.length).toBeGreaterThan(740);
    expect(arrived.length).toBeLessThan(880);
    const gaps = arrived.map((number, index) => number - (arrived[index - 1] ?? -1));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3);
    relay.close();
    caller.close();
    target.close();
  });
});

describe('a child process', () => {
  it('is waited for by what it prints, and ended', async () => {
    const child = new ManagedProcess({
      name: 'sleeper',
      command: 'sh',
      args: ['-c', 'echo up; exec sleep 60'],
    });
    await child.ready(/up/, { within: 3000 });
    expect(await child.stop()).toMatchObject({ signal: 'SIGTERM' });
  });

  it('says why it is not ready', async () => {
    const child = new ManagedProcess({
      name: 'failure',
      command: 'sh',
      args: ['-c', 'echo no such thing >&2; exit 3'],
    });
    await expect(child.ready(/up/, { within: 3000 })).rejects.toThrow(
      /exit code 3.*no such thing/s,
    );
    await expect(run('false', [], { within: 3000 })).rejects.toThrow('exit code 1');
  });
});

describe('what is started', () => {
  it('is undone in reverse order, whatever fails', async () => {
    const scope = new Scope();
    const order: string[] = [];
    scope.defer(() => void order.push('first'));
    scope.defer(() => Promise.reject(new Error('stuck')));
    scope.defer(() => void order.push('last'));
    await expect(scope.close()).rejects.toThrow('the clean-up failed');
    expect(order).toEqual(['last', 'first']);
  });

  it('gets ports that are not given out twice', async () => {
    const firsts = await Promise.all(Array.from({ length: 20 }, () => freePorts(2)));
    expect(new Set(firsts).size).toBe(20);
    expect(firsts.every((port) => port % 2 === 0)).toBe(true);
  });
});

describe('configuration files', () => {
  it('are written with tables, and arrays of them', () => {
    expect(
      toToml({ sip: { listen: ['udp:[::1]:5060'], verify: true }, account: [{ aor: 'sip:a@b' }] }),
    ).toBe('[sip]\nlisten = ["udp:[::1]:5060"]\nverify = true\n[[account]]\naor = "sip:a@b"\n');
  });
});

describe('capture files', () => {
  it('give their datagrams', () => {
    const frame = Buffer.alloc(14 + 20 + 8 + 3);
    frame.writeUInt16BE(0x0800, 12);
    frame[14] = 0x45;
    frame[23] = 17;
    frame.writeUInt16BE(11, 38);
    frame.write('abc', 42);
    const file = Buffer.alloc(24 + 16);
    file.writeUInt32LE(0xa1b2c3d4, 0);
    file.writeUInt32LE(1, 20);
    file.writeUInt32LE(2, 24);
    file.writeUInt32LE(500_000, 28);
    file.writeUInt32LE(frame.length, 32);
    const [one] = readPcapUdp(Buffer.concat([file, frame]));
    expect(one?.at).toBe(2500);
    expect(Buffer.from(one?.payload ?? []).toString()).toBe('abc');
    expect(() => readPcapUdp(Buffer.from('no capture'))).toThrow('no capture file');
  });
});
