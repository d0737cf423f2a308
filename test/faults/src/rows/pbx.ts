import { Baresip, Kamailio, missing, MICROPHONE_HZ, until } from '@offhook/test-sipp';
import { Bed } from '../bed.ts';
import type { Context, Measure, Part } from '../row.ts';
import { silence } from '../silence.ts';

const AOR = 'sip:alice@example.test';
/** What the PBX takes to come back, in ms. */
const AWAY_MS = 1500;

/**
 * F11: the PBX dies and comes back without memory: registrar and proxy of the call. The dialog is between the
 * phones, so it goes on; the registration is made anew.
 */
async function pbxRestarted(context: Context): Promise<Measure> {
  const { directory, scope, signal } = context;
  const address = '127.0.0.1';
  let kamailio = await Kamailio.start({ directory, address });
  scope.defer(() => kamailio.stop());
  const { port } = kamailio;
  const baresip = scope.use(
    await Baresip.start({
      directory,
      address,
      toneHz: 700,
      aor: 'sip:bob@example.test',
      parameters: `;regint=600;auth_user=bob;auth_pass=builder;outbound="sip:${address}:${port};transport=udp";answermode=auto;audio_codecs=PCMA/8000/1`,
    }),
  );
  await baresip.registered();
  const proxy = `sip:${address}:${port};transport=tcp`;
  const bed = await Bed.open(context, {
    accounts: [
      {
        aor: AOR,
        registrar: proxy,
        outbound_proxy: `${proxy};lr`,
        password: 'wonderland',
        codecs: ['PCMA'],
      },
    ],
  });
  const { phone } = bed;
  await phone.registration(AOR, 'registered', 10_000);
  const { id } = await phone.dial('sip:bob@example.test');
  await phone.becomes(id, 'established', 10_000);
  const heard = async (from: number) => {
    const { samples, sampleRate } = await baresip.heard();
    const rest = samples.subarray(Math.round(from * sampleRate));
    return {
      ...silence({ sampleRate, samples: rest }, [MICROPHONE_HZ]),
      seconds: samples.length / sampleRate,
    };
  };
  const isHeard = async (ms: number) => {
    const { seconds } = await heard(0);
    await until('baresip to hear the phone', async () => (await heard(seconds)).presentMs >= ms, {
      within: 10_000,
      every: 200,
      signal,
    });
    return seconds;
  };
  const from = await isHeard(500);
  await kamailio.stop();
  await isHeard(AWAY_MS);
  const since = performance.now();
  kamailio = await Kamailio.start({ directory, address, port });
  await phone.registration(AOR, 'registered', 30_000);
  const registeredMs = Math.round(performance.now() - since);
  const { longestMs } = await heard(from);
  await phone.call('call.hold', { call: id });
  await phone.call('call.resume', { call: id });
  // baresip records no more once it was held; what comes from it is counted.
  const { media } = await phone.get(id);
  await phone.sees(id, 'hearing', (now) => now.media.rxPackets > media.rxPackets + 25);
  await phone.hangup(id);
  await baresip.event('CALL_CLOSED', 10_000);
  return {
    gapMs: longestMs,
    controlMs: registeredMs,
    survived: true,
    detail: { control: 'until registered again' },
  };
}

export const pbxParts: readonly Part[] = [
  {
    row: 'F11',
    name: 'pbx',
    what: 'the PBX (Kamailio, TCP) dies and comes back',
    target: { gapMs: 0 },
    deadline: 120_000,
    core: false,
    inTable: true,
    missing: async () => (await missing('kamailio')) ?? (await missing('baresip')),
    run: pbxRestarted,
  },
];
