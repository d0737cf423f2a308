import { isIP } from 'node:net';
import { join } from 'node:path';
import { loadConfig, xdgConfigFile, xdgRuntimeDir, xdgStateDir } from '@offhook/common';
import { codecName, noiseSuppression, voiceSwitch } from '@offhook/media-rpc';
import { z } from 'zod';
import { location } from './location/config.ts';
import { parseNetwork } from './session/network.ts';

/**
 * The thin client's configuration file. Every key has a default, so that no file is needed; what
 * each is for stands in its `describe`, from which the configuration reference is made.
 */

const ENGINE_NAME = 'offhook-engine';

const address = z
  .string()
  .regex(
    /^(unix:\/.+|(tcp|tls):.+:\d{1,5})$/,
    'must be unix:/PATH, tcp:HOST:PORT or tls:HOST:PORT',
  );

const file = z.string().min(1).max(4096);

const engine = z
  .object({
    listen: z
      .union([address, z.array(address).min(1)])
      .transform((value) => (typeof value === 'string' ? [value] : value))
      .prefault(() => `unix:${join(xdgRuntimeDir(ENGINE_NAME), 'engine.sock')}`)
      .describe(
        'Where guests connect: `unix:/path`, `tcp:HOST:PORT` or `tls:HOST:PORT`, one or a list',
      ),
    tls: z
      .object({
        cert: file.describe('File with our PEM certificate'),
        key: file.describe('File with its PEM private key'),
        ca: file
          .optional()
          .describe('File of PEM certificates; guests must then show one signed by these'),
      })
      .optional()
      .describe('Certificates for `tls:` addresses'),
    log_level: z
      .enum(['error', 'warn', 'info', 'debug'])
      .default('info')
      .describe('What is logged to standard error: error, warn, info or debug'),
  })
  .prefault({})
  .describe('The engine and its channel');

/** Name of the SPICE port, as docs/install-host.md has it. */
export const defaultPort = 'org.offhook.engine.0';

const spice = z
  .object({
    source: z
      .string()
      .min(1)
      .max(4096)
      .describe(
        'The desktop: `spice://HOST:PORT`, or the path of a `.vv` file as remote-viewer opens it (removed once read if it says so). `run --spice` overrides it',
      ),
    password_file: file
      .optional()
      .describe('File with the ticket; goes before one in the address or the `.vv` file'),
    port: z
      .string()
      .regex(/^[\w.-]{1,127}$/, 'must be a port name such as org.offhook.engine.0')
      .default(defaultPort)
      .describe('Name of the SPICE port in the VM’s configuration'),
  })
  .optional()
  .describe('A virtual desktop whose SPICE connection is a further way in');

const viewer = z
  .object({
    command: z
      .array(z.string().min(1).max(4096))
      .min(1)
      .max(64)
      .default(['remote-viewer'])
      .describe(
        'The viewer that `offhook-engine view` starts, with its arguments; the desktop file comes last',
      ),
  })
  .prefault({})
  .describe('The viewer of virtual desktops');

const ports = z
  .string()
  .transform((text, context) => {
    const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
    const [from, to] = [Number(match?.[1]), Number(match?.[2])];
    if (match !== null && from >= 1024 && to <= 65_535 && to > from) return { from, to };
    context.addIssue('must be a range of at least two ports between 1024 and 65535: 40000-40999');
    return z.NEVER;
  })
  .describe('UDP ports for RTP and RTCP, two a call: `FROM-TO`');

const networks = z
  .array(
    z.string().refine((text) => parseNetwork(text) !== undefined, {
      message: 'must be an address or a network such as 192.0.2.0/24 or 2001:db8::/32',
    }),
  )
  .default([]);

const rtp = z
  .object({
    address: z
      .string()
      .refine((text) => text === 'auto' || isIP(text) !== 0, {
        message: 'must be auto or a numeric address',
      })
      .default('auto')
      .describe(
        'Address that RTP is bound to and that peers are told: `auto` is the one from which the peer is reached',
      ),
    ports: ports.prefault('40000-40999'),
    dscp: z
      .int()
      .min(0)
      .max(63)
      .default(46)
      .describe('DiffServ code point of RTP and RTCP; 46 is Expedited Forwarding (RFC 3246)'),
    allow: networks.describe(
      'Networks that guests may have media sent to; any if empty. Naming a loopback network here allows it',
    ),
    deny: networks.describe('Networks that media never goes to, even if allowed'),
    loopback: z
      .enum(['auto', 'allow', 'deny'])
      .default('auto')
      .describe(
        'Media to this machine itself: `auto` allows it when `address` is a loopback address or the guest runs on this machine (it could send there on its own)',
      ),
    latching: z
      .enum(['off', 'once', 'follow'])
      .default('follow')
      .describe(
        'Symmetric RTP (RFC 4961): `off` sends to the signalled address only, `once` to the first source that sends to us, `follow` also to a later one when that has fallen silent for 2 s, as PBXs do that put another source on hold music',
      ),
    timeout: z
      .int()
      .min(1)
      .max(3600)
      .default(5)
      .describe('Seconds without RTP after which the guest is told that the peer is silent'),
  })
  .prefault({})
  .describe('RTP sockets and where media may go');

const inputDevice = z
  .string()
  .max(512)
  .regex(
    /^(default|null|echo|tone:\d{2,5}|file:.+|pulse:.+|alsa:.+)$/,
    'must be default, pulse:NAME, alsa:NAME, tone:HZ, file:PATH, echo or null',
  );
const outputDevice = z
  .string()
  .max(512)
  .regex(
    /^(default|null|file:.+|pulse:.+|alsa:.+)$/,
    'must be default, pulse:NAME, alsa:NAME, file:PATH or null',
  );

const audio = z
  .object({
    input: inputDevice
      .default('default')
      .describe(
        'Microphone: `default`, `pulse:NAME`, `alsa:NAME`; `tone:HZ`, `file:PATH`, `echo` or `null` without one',
      ),
    output: outputDevice
      .default('default')
      .describe('Speaker or headset: `default`, `pulse:NAME`, `alsa:NAME`, `file:PATH` or `null`'),
    ringer: outputDevice.default('default').describe('Where it rings; as `output`'),
    echo_cancellation: voiceSwitch
      .default('auto')
      .describe(
        'Whether the echo of the loudspeaker is taken out of what the microphone sends: `on`, `off`, or `auto`, on unless the loudspeaker is known to be worn at the ear (a headset leaves no echo). The person here (`offhook-engine voice`) and guests may switch it; adds about 7 ms while it is on, and nothing while it is off',
      ),
    noise_suppression: z
      .enum(['auto', ...noiseSuppression.options])
      .default('auto')
      .describe(
        'How much noise is taken out of what the microphone sends: `off`, `low`, `moderate`, `high`, or `auto`, `moderate` where `echo_cancellation = "auto"` is on. Adds about 6 ms while it is on',
      ),
    gain_control: voiceSwitch
      .default('off')
      .describe(
        'Whether loud and soft voices are sent equally loud: `on`, `off`, or `auto`, as `echo_cancellation`',
      ),
    country: z
      .string()
      .regex(/^(auto|[A-Za-z]{2})$/, 'must be auto or an ISO 3166-1 code such as de')
      .default('auto')
      .describe('Whose call progress tones are played; `auto` goes by the locale'),
    jitter_buffer_min: z
      .int()
      .min(0)
      .max(1000)
      .default(20)
      .describe('Milliseconds that the adaptive jitter buffer starts with and shrinks to'),
    jitter_buffer_max: z
      .int()
      .min(20)
      .max(5000)
      .default(200)
      .describe('Milliseconds that it may grow to'),
  })
  .refine((value) => value.jitter_buffer_min <= value.jitter_buffer_max, {
    message: 'jitter_buffer_min is above jitter_buffer_max',
  })
  .prefault({})
  .describe('Devices, voice processing, tones and jitter buffer');

const headset = z
  .object({
    buttons: z
      .string()
      .min(1)
      .max(256)
      .default('auto')
      .describe(
        'Whose buttons take, end and mute calls: `auto`, those of USB headsets, of the sockets of sound cards and of Bluetooth headsets; `off`; or part of the name of an input device, as `/proc/bus/input/devices` has it',
      ),
    volume: z
      .boolean()
      .default(true)
      .describe(
        'Whether its volume keys change the volume of calls, and of the ring while it rings; `false` where the desktop environment of the thin client does that',
      ),
  })
  .prefault({})
  .describe('Buttons of headsets');

const policy = z
  .object({
    codecs: z
      .array(codecName)
      .min(1)
      .default(['opus', 'G722', 'PCMA', 'PCMU'])
      .describe('Codecs that guests may use here'),
    srtp: z
      .enum(['any', 'required'])
      .default('any')
      .describe('`required` refuses calls whose audio would not be encrypted'),
    sessions: z.int().min(1).max(1000).default(256).describe('Calls at a time, of all guests'),
    sessions_per_guest: z
      .int()
      .min(1)
      .max(1000)
      .default(128)
      .describe('Calls at a time, of one guest (by network: of one host)'),
    opens_per_second: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Calls that one guest (by network: one host) may set up in a second'),
    lease: z
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe('Seconds that audio goes on without its guest, unless the guest asks otherwise'),
    min_lease: z
      .int()
      .min(0)
      .max(86_400)
      .default(0)
      .describe('The fewest seconds that a guest gets, even if it asks for less'),
    max_lease: z
      .int()
      .min(0)
      .max(86_400)
      .default(3600)
      .describe('The most seconds that a guest may ask for'),
    guests_select_devices: z
      .boolean()
      .default(true)
      .describe('Whether guests may choose among the devices that are here'),
  })
  .refine((value) => value.min_lease <= value.max_lease, {
    message: 'min_lease is above max_lease',
  })
  .prefault({})
  .describe('What guests may do');

const recording = z
  .object({
    allowed: z
      .boolean()
      .default(false)
      .describe(
        'Whether guests may have calls recorded here. In many countries the other party has to be told first, or to agree',
      ),
    directory: file
      .regex(/^\//, 'must be an absolute path')
      .prefault(() => join(xdgStateDir(ENGINE_NAME), 'recordings'))
      .describe(
        'Where recordings are kept; made if it is not there, readable for this user only, as are the files',
      ),
    format: z
      .enum(['wav', 'ogg'])
      .default('wav')
      .describe(
        '`wav`: 16 bit at 16 kHz, 3.8 MB a minute in stereo; `ogg`: Opus, 0.5 MB a minute in stereo',
      ),
    channels: z
      .enum(['stereo', 'mixed'])
      .default('stereo')
      .describe('`stereo`: this end on the left, the others on the right; `mixed`: both as one'),
    max_minutes: z
      .int()
      .min(1)
      .max(1440)
      .default(240)
      .describe('Minutes after which a recording ends by itself; the call goes on'),
    min_free_mb: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(200)
      .describe('MiB that stay free on the disk: with less, none begins, and those that run end'),
  })
  .prefault({})
  .describe('Recordings of calls');

const will = z
  .object({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Whether the message that ends a call is sent for a guest that does not come back within its lease',
      ),
    allow: networks.describe(
      'Networks that such messages may go to; those of `rtp.allow` if empty. `rtp.deny` and `rtp.loopback` hold here, too',
    ),
    ports: ports
      .prefault('1024-65535')
      .describe('Ports that such messages may go to: `FROM-TO`, none below 1024'),
  })
  .prefault({})
  .describe('Last wills of guests');

export const engineConfig = z.object({
  engine,
  spice,
  viewer,
  rtp,
  audio,
  headset,
  location,
  policy,
  recording,
  will,
});

export type EngineConfig = z.output<typeof engineConfig>;
/** What a configuration file holds: everything may be left out. */
export type EngineConfigInput = z.input<typeof engineConfig>;

/** The whole configuration from parts; for programs that run an engine inside. */
export function defineEngineConfig(input: EngineConfigInput = {}): EngineConfig {
  return engineConfig.parse(input);
}

/**
 * The configuration of a file; without a path the user's own one, which need not exist.
 *
 * @throws OffhookError with layer `config`, naming file, line and key.
 */
export function loadEngineConfig(path: string | undefined): EngineConfig {
  return loadConfig({
    path: path ?? xdgConfigFile(ENGINE_NAME),
    schema: engineConfig,
    optional: path === undefined,
  });
}

export function defaultStateDir(): string {
  return xdgStateDir(ENGINE_NAME);
}
