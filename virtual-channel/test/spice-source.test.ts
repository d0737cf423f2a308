import { describe, expect, it } from 'vitest';
import { parseDesktopFile, parseSpiceUri } from '../src/spice/index.ts';

describe('a SPICE address', () => {
  it('names host and port', () => {
    expect(parseSpiceUri('spice://desk.example:5900')).toMatchObject({
      host: 'desk.example',
      port: 5900,
    });
  });

  it('may name a TLS port as remote-viewer does', () => {
    expect(parseSpiceUri('spice://[::1]?tls-port=5901')).toMatchObject({
      host: '::1',
      tlsPort: 5901,
    });
  });

  it.each(['http://x:1', 'spice://', 'spice://host', 'spice://host:99999'])('refuses %s', (uri) => {
    expect(() => parseSpiceUri(uri)).toThrow(/SPICE address|names no port|not a port/);
  });
});

describe('a .vv file', () => {
  const vv = (lines: string) => `[virt-viewer]\ntype=spice\n${lines}`;

  it('gives address, ticket, CA and subject, with the escapes of a key file undone', () => {
    const { source, deleteThisFile } = parseDesktopFile(
      vv(
        'host=10.1.2.3\nport=-1\ntls-port=61000\npassword=a=b\nca=-----BEGIN\\nAAA\\n-----END\\n\nhost-subject=OU=PVE,CN=node\nsecure-channels=main;inputs\ndelete-this-file=1\n[ovirt]\nhost=other\n',
      ),
    );
    expect(source).toEqual({
      host: '10.1.2.3',
      port: undefined,
      tlsPort: 61_000,
      password: 'a=b',
      ca: '-----BEGIN\nAAA\n-----END\n',
      hostSubject: 'OU=PVE,CN=node',
      secureChannels: ['main', 'inputs'],
    });
    expect(deleteThisFile).toBe(true);
  });

  it('gives the proxy on the way', () => {
    const { source } = parseDesktopFile(vv('host=x\nport=1\nproxy=http://p:3128'));
    expect(source.proxy).toMatchObject({ host: 'p', port: 3128 });
  });

  it('is refused with a proxy that is none', () => {
    expect(() => parseDesktopFile(vv('host=x\nport=1\nproxy=socks://p'))).toThrow(/HTTP proxy/);
  });

  it.each([
    ['type=vnc', '[virt-viewer]\ntype=vnc\nhost=x\nport=1'],
    ['host is missing', vv('port=5900')],
    ['neither port', vv('host=x')],
    ['port is "yes"', vv('host=x\nport=yes')],
    ['line 3', vv('what is this')],
  ])('is refused with the reason: %s', (_reason, text) => {
    expect(() => parseDesktopFile(text)).toThrow(/cannot be used/);
  });
});
