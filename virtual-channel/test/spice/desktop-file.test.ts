import { describe, expect, it } from 'vitest';
import {
  desktopFileFor,
  desktopName,
  parseDesktopFile,
  type ViewerEntrance,
} from '../../src/spice/index.ts';

const plain: ViewerEntrance = {
  host: '127.0.0.1',
  port: 4000,
  ticket: 'local',
  revoke: () => undefined,
};
const secure: ViewerEntrance = {
  ...plain,
  tls: { port: 4001, ca: '-----BEGIN\nAAA\n-----END\n', hostSubject: 'CN=Offhook viewer proxy' },
};

const original = `# from the portal
[virt-viewer]
type=spice
host=10.1.2.3
port=-1
tls-port=61000
password=ticket of the server
ca=-----BEGIN\\nXXX\\n-----END\\n
host-subject=OU=PVE,CN=node
secure-channels=main;inputs
tls-ciphers=HIGH
proxy=http://10.1.2.3:3128
delete-this-file=0
title=Accounting
fullscreen=1

[ovirt]
host=engine.example:443
ca=keep this one
`;

describe('the .vv file for a viewer that goes through the proxy', () => {
  it('leads to the proxy with TLS where the desktop has TLS, and has nothing of the server left', () => {
    const text = desktopFileFor(secure, original);
    const { source, deleteThisFile } = parseDesktopFile(text);
    expect(source).toMatchObject({
      host: '127.0.0.1',
      port: undefined,
      tlsPort: 4001,
      password: 'local',
      ca: secure.tls?.ca,
      hostSubject: 'CN=Offhook viewer proxy',
      secureChannels: [],
    });
    expect(deleteThisFile).toBe(true);
    const [group = ''] = text.split('[ovirt]');
    for (const gone of ['10.1.2.3', '61000', 'ticket of', 'XXX', 'PVE', 'HIGH', 'main;inputs']) {
      expect(group).not.toContain(gone);
    }
  });

  it('keeps what else the portal wanted', () => {
    const text = desktopFileFor(plain, original);
    expect(text).toContain('# from the portal\n');
    expect(text).toContain('title=Accounting\nfullscreen=1\n');
    expect(text).toContain('[ovirt]\nhost=engine.example:443\nca=keep this one\n');
    expect(parseDesktopFile(text).source).toMatchObject({ port: 4000, tlsPort: undefined });
  });

  it('is made from nothing for a desktop that was named by address', () => {
    expect(parseDesktopFile(desktopFileFor(plain)).source).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      password: 'local',
    });
  });
});

describe('the name of a desktop', () => {
  const at = (host: string, ports: { port?: number; tlsPort?: number }) =>
    desktopName({ host, password: 'x', secureChannels: [], ...ports });

  it('is its address', () => {
    expect(at('desk.example', { port: 5900 })).toBe('spice://desk.example:5900');
    expect(at('fd00::1', { port: 5900, tlsPort: 5901 })).toBe('spice://[fd00::1]:5901');
  });

  it('stays the same with a fresh ticket of Proxmox, and differs between its machines', () => {
    const first = at('pvespiceproxy:65D1A000:100:node1::aaa', { tlsPort: 61_000 });
    expect(at('pvespiceproxy:65D1B111:100:node1::bbb', { tlsPort: 61_001 })).toBe(first);
    expect(at('pvespiceproxy:65D1B111:101:node1::bbb', { tlsPort: 61_001 })).not.toBe(first);
  });
});
