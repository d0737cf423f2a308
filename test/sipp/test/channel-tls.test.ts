import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort, freePorts } from '../src/infra/ports.ts';
import { run } from '../src/infra/process.ts';
import { until } from '../src/infra/wait.ts';
import { EngineProcess } from '../src/phone/engine-process.ts';
import { GuestProcess } from '../src/phone/guest-process.ts';

const PAGE = join(import.meta.dirname, '../../../docs/channel-tls.md');
let directory: string;
let engine: EngineProcess;
let port: number;
let guest: GuestProcess | undefined;
let guests = 0;

const file = (name: string) => join(directory, name);

/** What the page says to run, with a name that this machine has. */
async function commandsOfThePage(): Promise<string> {
  const text = await readFile(PAGE, 'utf8');
  const blocks = Array.from(text.matchAll(/^```sh\n(.*?)^```/gms), ([, block = '']) => block);
  return blocks.join('\n').replaceAll('thin-client.example.com', 'localhost');
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'offhook-channel-tls-'));
  const script = await commandsOfThePage();
  await run('sh', ['-ec', script], { within: 30_000, cwd: directory });
  await mkdir(file('other'));
  await run('sh', ['-ec', script], { within: 30_000, cwd: file('other') });
  port = await freePort();
  const tls = { cert: file('engine.pem'), key: file('engine.key'), ca: file('ca.pem') };
  engine = await EngineProcess.start({
    directory,
    config: { engine: { listen: `tls:127.0.0.1:${port}`, tls } },
  });
});
afterEach(async () => {
  await guest?.stop();
  guest = undefined;
});
afterAll(async () => {
  await engine.stop();
  await rm(directory, { recursive: true, force: true });
});

async function startGuest(tls: Readonly<Record<string, string>>): Promise<GuestProcess> {
  guests += 1;
  const folder = file(`guest-${guests}`);
  await mkdir(folder);
  guest = await GuestProcess.start({
    directory: folder,
    channel: `tls:localhost:${port}`,
    accounts: [{ aor: 'sip:alice@127.0.0.1', register: false }],
    addresses: ['127.0.0.1'],
    port: await freePorts(2),
    config: { engine: { tls } },
  });
  return guest;
}

/** What the phone says once it has tried in vain. */
async function refusal({ phone }: GuestProcess, sign = 'certificate'): Promise<string> {
  let text = '';
  await until(
    'the phone to say why it has no engine',
    async () => {
      const { engine } = await phone.call('status', {});
      text = engine.text;
      return text.includes(sign);
    },
    { within: 10_000, seen: () => text },
  );
  return text;
}

const own = () => ({ cert: file('guest.pem'), key: file('guest.key'), ca: file('ca.pem') });
const others = (name: string) => file(join('other', name));

describe('a TLS channel with certificates made as docs/channel-tls.md says', () => {
  it('lets guest and engine find each other', async () => {
    const { phone } = await startGuest(own());
    await phone.engineConnected(10_000);
    const { checks } = await phone.call('doctor.run', {});
    expect(checks).toContainEqual(expect.objectContaining({ layer: 'channel', level: 'ok' }));
  });

  it('keeps out a guest without a certificate', async () => {
    const found = await refusal(await startGuest({ ca: file('ca.pem') }));
    expect(found).toContain('the peer refuses our certificate');
  });

  it('keeps out a guest of another authority', async () => {
    const tls = { ...own(), cert: others('guest.pem'), key: others('guest.key') };
    const before = engine.process.output.length;
    const found = await startGuest(tls);
    expect(await refusal(found, 'closed')).toContain('the channel was closed');
    expect(engine.process.output.slice(before)).not.toContain('guest connected');
  });

  it('is refused by a guest that trusts another authority', async () => {
    const found = await refusal(await startGuest({ ...own(), ca: others('ca.pem') }));
    expect(found).toContain("the peer's certificate is not trusted");
  });
});
