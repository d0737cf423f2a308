import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findTone, type Audio } from '@offhook/common/audio';
import { Asterisk, ASTERISK_PASSWORD } from '../infra/asterisk.ts';
import { Baresip } from '../infra/baresip.ts';
import { Kamailio } from '../infra/kamailio.ts';
import { cable, Namespace } from '../infra/namespaces.ts';
import { Rtpengine } from '../infra/rtpengine.ts';
import { until } from '../infra/wait.ts';
import { EngineProcess } from '../phone/engine-process.ts';
import { GuestProcess } from '../phone/guest-process.ts';
import type { TomlTable } from '../phone/toml.ts';
import { scenario } from '../runner/scenario.ts';
import type { Stage } from '../runner/stage.ts';
import { sharedAuthority } from './peers.ts';

/**
 * ```
 *  thin client ── router (NAT) ── PBX ── guest
 *  192.168.77.2   10.77.2.2       10.77.1.1   10.77.1.2
 * ```
 *
 * Signaling comes to the PBX from the guest, media from the router's address. Guest and thin
 * client share no network: their control channel is a Unix socket here, SPICE in life.
 */
interface Network {
  readonly guest: Namespace;
  readonly client: Namespace;
  readonly pbx: Namespace;
}

const PBX = '10.77.1.1';
const GUEST = '10.77.1.2';
const CLIENT = '192.168.77.2';
const ROUTER = '10.77.2.2';

async function build(stage: Stage): Promise<Network> {
  const create = async (label: string) => stage.scope.use(await Namespace.create(label));
  const [guest, client, router, pbx] = [
    await create('guest'),
    await create('client'),
    await create('router'),
    await create('pbx'),
  ];
  await cable(
    { namespace: guest, address: `${GUEST}/24` },
    { namespace: pbx, address: `${PBX}/24` },
  );
  await cable(
    { namespace: router, address: `${ROUTER}/24` },
    { namespace: pbx, address: '10.77.2.1/24' },
  );
  await cable(
    { namespace: client, address: `${CLIENT}/24` },
    { namespace: router, address: '192.168.77.1/24' },
  );
  await client.run('ip', 'route', 'add', 'default', 'via', '192.168.77.1');
  // What the PBX sends to the thin client's own address gets lost, as on the Internet.
  await pbx.run('ip', 'route', 'add', '192.168.77.0/24', 'via', GUEST);
  await router.run('ip', 'route', 'add', 'default', 'via', '10.77.2.1');
  await router.run('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  for (const rule of [
    'add table ip nat',
    'add chain ip nat post { type nat hook postrouting priority 100 ; }',
    // Ports are changed too, as carrier-grade translation does.
    'add rule ip nat post ip saddr 192.168.77.0/24 masquerade random',
  ])
    await router.run('nft', rule);
  return { guest, client, pbx };
}

/** Counts what the PBX is sent by the thin client, by its DiffServ mark. */
async function countMarks(pbx: Namespace): Promise<() => Promise<Record<string, number>>> {
  for (const rule of [
    'add table ip marks',
    'add counter ip marks expedited',
    'add counter ip marks other',
    'add chain ip marks in { type filter hook input priority 0 ; }',
    `add rule ip marks in ip saddr ${ROUTER} ip dscp ef counter name expedited accept`,
    `add rule ip marks in ip saddr ${ROUTER} meta l4proto udp counter name other`,
  ])
    await pbx.run('nft', rule);
  return async () => {
    const listed = await pbx.run('nft', 'list', 'counters', 'table', 'ip', 'marks');
    const counts = listed.matchAll(/counter (\w+) \{\s*packets (\d+)/g);
    return Object.fromEntries([...counts].map(([, name = '', count]) => [name, Number(count)]));
  };
}

async function startPhone(
  stage: Stage,
  network: Network,
  account: TomlTable & { readonly aor: string },
): Promise<{ engine: EngineProcess; guest: GuestProcess }> {
  const engine = stage.scope.use(
    await EngineProcess.start({
      directory: stage.directory,
      config: { rtp: { address: 'auto' } },
      wrap: (program) => network.client.wrap(program),
      signal: stage.signal,
    }),
  );
  const guest = stage.scope.use(
    await GuestProcess.start({
      directory: stage.directory,
      channel: engine.channel,
      addresses: [GUEST],
      accounts: [account],
      wrap: (program) => network.guest.wrap(program),
      signal: stage.signal,
    }),
  );
  await guest.phone.engineConnected();
  await guest.phone.registration(account.aor, 'registered', 10_000);
  return { engine, guest };
}

async function hears(what: string, recording: () => Promise<Audio>): Promise<void> {
  await until(
    `${what} to hear the phone`,
    async () => findTone(await recording(), 440).presentMs >= 500,
    { within: 8000, every: 200 },
  );
}

export const natScenarios = [
  ...scenario({
    id: 'nat-asterisk',
    title: 'The thin client is behind NAT: Asterisk with symmetric and strict RTP',
    group: 'interop',
    requirements: ['media.nat', 'media.dscp', 'interop.asterisk'],
    setting: { phone: 'none' },
    needs: ['namespaces', 'asterisk'],
    deadline: 60_000,
    async run(stage) {
      const network = await build(stage);
      const directory = join(stage.directory, 'asterisk');
      await mkdir(directory, { recursive: true });
      const asterisk = stage.scope.use(
        await Asterisk.start({
          directory,
          address: PBX,
          authority: await sharedAuthority(),
          wrap: (program) => network.pbx.wrap(program),
        }),
      );
      const marks = await countMarks(network.pbx);
      const { engine, guest } = await startPhone(stage, network, {
        aor: `sip:alice-nat@${PBX}`,
        registrar: `sip:${PBX}:${asterisk.port}`,
        username: 'alice-nat',
        password: ASTERISK_PASSWORD,
        codecs: ['PCMA'],
      });
      const out = await guest.phone.dial(`sip:6019@${PBX}:${asterisk.port}`);
      await guest.phone.becomes(out.id, 'established');
      await engine.plays(1004, { ms: 500, signal: stage.signal });
      await hears('Asterisk', () => asterisk.heard('6019'));
      await guest.phone.call('call.hold', { call: out.id });
      await guest.phone.call('call.resume', { call: out.id });
      await guest.phone.hangup(out.id);
      await guest.phone.becomes(out.id, 'ended');
      const since = guest.phone.eventMark;
      await engine.forgetPlayed();
      await asterisk.callPhone('alice-nat', '6018');
      const { id } = await guest.phone.rings(since);
      await guest.phone.call('call.answer', { call: id, wait: 8000 });
      await engine.plays(1004, { ms: 500, signal: stage.signal });
      await hears('Asterisk', () => asterisk.heard('6018'));
      await guest.phone.hangup(id);
      await guest.phone.becomes(id, 'ended');
      const { expedited = 0, other } = await marks();
      assert.ok(expedited > 50, `${expedited} packets were marked`);
      assert.equal(other, 0);
    },
  }),
  ...scenario({
    id: 'nat-rtpengine',
    title: 'The thin client is behind NAT: Kamailio with rtpengine',
    group: 'interop',
    requirements: ['media.nat', 'interop.kamailio', 'interop.rtpengine'],
    setting: { phone: 'none' },
    needs: ['namespaces', 'kamailio', 'rtpengine', 'baresip'],
    deadline: 60_000,
    async run(stage) {
      const network = await build(stage);
      const wrap = network.pbx.wrap.bind(network.pbx);
      const { directory } = stage;
      const rtpengine = stage.scope.use(await Rtpengine.start({ directory, address: PBX, wrap }));
      const kamailio = stage.scope.use(
        await Kamailio.start({
          directory,
          address: PBX,
          rtpengine: rtpengine.control,
          wrap,
          ready: /rtpengine instance <.*> found/,
        }),
      );
      const proxy = `sip:${PBX}:${kamailio.port};transport=udp`;
      const bob = stage.scope.use(
        await Baresip.start({
          directory,
          address: PBX,
          toneHz: 700,
          aor: 'sip:bob@example.test',
          parameters: `;regint=600;auth_user=bob;auth_pass=builder;outbound="${proxy}";answermode=auto;audio_codecs=PCMA/8000/1`,
          wrap,
        }),
      );
      await bob.registered();
      const { engine, guest } = await startPhone(stage, network, {
        aor: 'sip:alice@example.test',
        registrar: proxy,
        outbound_proxy: `${proxy};lr`,
        password: 'wonderland',
        codecs: ['PCMA'],
        auto_answer: true,
      });
      const { id } = await guest.phone.dial('sip:bob@example.test');
      await guest.phone.becomes(id, 'established');
      await engine.plays(700, { ms: 500, signal: stage.signal });
      await hears('baresip', () => bob.heard());
      await guest.phone.hangup(id);
      await guest.phone.becomes(id, 'ended');
      await bob.hungUp();
    },
  }),
];
